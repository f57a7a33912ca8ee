//! The bytes that types of content begin with.

/// Bytes at their offsets, all of which a type has.
pub(crate) struct Signature {
    /// The bytes, each with its offset.
    pub(crate) parts: &'static [(usize, &'static [u8])],
    /// The name of libmagic 5.44.
    pub(crate) mime_type: &'static str,
}

const fn of(parts: &'static [(usize, &'static [u8])], mime_type: &'static str) -> Signature {
    Signature { parts, mime_type }
}

/// Brands of files that begin with an `ftyp` box, by their first bytes. Others are `video/mp4`.
pub(crate) const BRANDS: &[(&[u8], &str)] = &[
    (b"avi", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heif"),
    (b"qt", "video/quicktime"),
    (b"M4A", "audio/x-m4a"),
    (b"M4V", "video/x-m4v"),
    (b"3g", "video/3gpp"),
];

/// The first that fits is the type.
pub(crate) const SIGNATURES: &[Signature] = &[
    of(&[(0, b"\x89PNG\r\n\x1a\n"), (12, b"IHDR")], "image/png"),
    of(&[(0, b"\xff\xd8\xff\xe0")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xe1")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xdb")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xc0")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xe2")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xed")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xee")], "image/jpeg"),
    of(&[(0, b"\xff\xd8\xff\xfe")], "image/jpeg"),
    of(&[(0, b"GIF8")], "image/gif"),
    of(&[(0, b"BM"), (14, b"\x28\0\0\0")], "image/bmp"),
    of(&[(0, b"BM"), (14, b"\x0c\0\0\0")], "image/bmp"),
    of(&[(0, b"BM"), (14, b"\x38\0\0\0")], "image/bmp"),
    of(&[(0, b"BM"), (14, b"\x40\0\0\0")], "image/bmp"),
    of(&[(0, b"BM"), (14, b"\x6c\0\0\0")], "image/bmp"),
    of(&[(0, b"BM"), (14, b"\x7c\0\0\0")], "image/bmp"),
    of(&[(0, b"8BPS\0\x01")], "image/vnd.adobe.photoshop"),
    of(&[(0, b"8BPS\0\x02")], "image/vnd.adobe.photoshop"),
    of(&[(0, b"RIFF"), (8, b"WEBP")], "image/webp"),
    of(&[(0, b"II*\0")], "image/tiff"),
    of(&[(0, b"MM\0*")], "image/tiff"),
    of(&[(0, b"\0\0\x01\0"), (5, b"\0")], "image/vnd.microsoft.icon"),
    of(&[(0, b"\xff\x0a")], "image/jxl"),
    of(&[(0, b"\0\0\0\x0cJXL \r\n\x87\n")], "image/jxl"),
    of(&[(0, b"\0\0\0\x0cjP  \r\n\x87\n")], "image/jp2"),
    of(&[(0, b"%PDF-")], "application/pdf"),
    of(&[(0, b"\n\n%PDF-")], "application/pdf"),
    of(&[(0, b"\xef\xbb\xbf%PDF-")], "application/pdf"),
    of(&[(0, b"%!PS")], "application/postscript"),
    of(&[(0, b"PK\x05\x06")], "application/zip"),
    of(&[(0, b"\x1f\x8b")], "application/gzip"),
    of(&[(0, b"BZh")], "application/x-bzip2"),
    of(&[(0, b"\xfd7zXZ\0")], "application/x-xz"),
    of(&[(0, b"\x28\xb5\x2f\xfd")], "application/zstd"),
    of(&[(0, b"\x04\x22\x4d\x18")], "application/x-lz4"),
    of(&[(0, b"7z\xbc\xaf\x27\x1c")], "application/x-7z-compressed"),
    of(&[(0, b"Rar!\x1a\x07")], "application/x-rar"),
    of(&[(0, b"LZIP")], "application/x-lzip"),
    of(&[(0, b"\x1f\x9d")], "application/x-compress"),
    of(&[(257, b"ustar")], "application/x-tar"),
    of(
        &[(0, b"!<arch>\ndebian")],
        "application/vnd.debian.binary-package",
    ),
    of(&[(0, b"!<arch>")], "application/x-archive"),
    of(&[(0, b"\xed\xab\xee\xdb")], "application/x-rpm"),
    of(&[(0, b"SQLite format 3\0")], "application/vnd.sqlite3"),
    of(&[(0, b"\0asm")], "application/wasm"),
    of(&[(0, b"\x7fELF"), (16, b"\x01\0")], "application/x-object"),
    of(&[(0, b"\x7fELF"), (16, b"\x02\0")], "application/x-executable"),
    of(&[(0, b"\x7fELF"), (16, b"\x03\0")], "application/x-sharedlib"),
    of(&[(0, b"wOFF")], "font/woff"),
    of(&[(0, b"wOF2")], "font/woff2"),
    of(&[(0, b"OTTO\0")], "application/vnd.ms-opentype"),
    of(&[(0, b"RIFF"), (8, b"WAVE")], "audio/x-wav"),
    of(&[(0, b"fLaC")], "audio/flac"),
    of(&[(0, b"\xff\xfb")], "audio/mpeg"),
    of(&[(0, b"MThd")], "audio/midi"),
    of(&[(0, b"FORM"), (8, b"AIFF")], "audio/x-aiff"),
    of(&[(0, b"ID3")], "audio/mpeg"),
    of(&[(0, b"OggS"), (28, b"\x01vorbis")], "audio/ogg"),
    of(&[(0, b"OggS"), (28, b"OpusHead")], "audio/ogg"),
    of(&[(0, b"RIFF"), (8, b"AVI ")], "video/x-msvideo"),
    of(&[(0, b"FLV\x01")], "video/x-flv"),
    of(&[(0, b"\0\0\x01\xba")], "video/mpeg"),
];
