//! How large an image is, by its header.

use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom},
};

/// How many segments of a jpeg are looked at before the one that has the size.
const MOST_SEGMENTS: usize = 1_000;

/// The size of an image in pixels. It is written `WIDTHxHEIGHT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageSize {
    /// Pixels in a row.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The size of the image in `file`, which is of this type; none if such a type has none that is read here. The file is read
/// from its beginning.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] or [`io::ErrorKind::UnexpectedEof`] if the content is no such image.
pub(crate) fn image_size<F: Read + Seek>(file: &mut F, mime_type: &str) -> io::Result<Option<ImageSize>> {
    let read = match mime_type {
        "image/png" => png,
        "image/gif" => gif,
        "image/jpeg" => jpeg,
        _ => return Ok(None),
    };
    file.seek(SeekFrom::Start(0))?;
    let size = read(file)?;
    if size.width == 0 || size.height == 0 {
        return Err(wrong("an image without pixels"));
    }
    Ok(Some(size))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn bytes<const COUNT: usize, F: Read>(file: &mut F) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn png<F: Read>(file: &mut F) -> io::Result<ImageSize> {
    if &bytes::<8, _>(file)? != b"\x89PNG\r\n\x1a\n" || &bytes::<8, _>(file)? != b"\0\0\0\x0dIHDR" {
        return Err(wrong("a png without its header"));
    }
    let width = u32::from_be_bytes(bytes(file)?);
    let height = u32::from_be_bytes(bytes(file)?);
    if width > i32::MAX as u32 || height > i32::MAX as u32 {
        return Err(wrong("a png of an impossible size"));
    }
    Ok(ImageSize { width, height })
}

fn gif<F: Read>(file: &mut F) -> io::Result<ImageSize> {
    let signature = bytes::<6, _>(file)?;
    if &signature != b"GIF87a" && &signature != b"GIF89a" {
        return Err(wrong("a gif without its header"));
    }
    let width = u16::from_le_bytes(bytes(file)?).into();
    let height = u16::from_le_bytes(bytes(file)?).into();
    Ok(ImageSize { width, height })
}

fn jpeg<F: Read + Seek>(file: &mut F) -> io::Result<ImageSize> {
    if bytes(file)? != [0xff, 0xd8] {
        return Err(wrong("a jpeg without its header"));
    }
    for _ in 0..MOST_SEGMENTS {
        let marker = marker(file)?;
        // Start of frame, of all ways to code it; the three others of this range are tables.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let [_, _, _, high, low, left, right] = bytes(file)?;
            return Ok(ImageSize {
                width: u16::from_be_bytes([left, right]).into(),
                height: u16::from_be_bytes([high, low]).into(),
            });
        }
        match marker {
            0xd9 | 0xda => break,
            0x01 | 0xd0..=0xd7 => {}
            _ => {
                let length = u16::from_be_bytes(bytes(file)?);
                let rest = length
                    .checked_sub(2)
                    .ok_or_else(|| wrong("a jpeg segment without length"))?;
                file.seek_relative(rest.into())?;
            }
        }
    }
    Err(wrong("a jpeg without a frame"))
}

fn marker<F: Read>(file: &mut F) -> io::Result<u8> {
    if bytes(file)? != [0xff] {
        return Err(wrong("a jpeg without a marker between its segments"));
    }
    for _ in 0..MOST_SEGMENTS {
        match bytes(file)? {
            [0xff] => {}
            [0x00] => break,
            [marker] => return Ok(marker),
        }
    }
    Err(wrong("a jpeg with a marker of nothing"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::download::{sniff::sniff, testing};

    fn size_of(content: &[u8]) -> Result<Option<String>, io::ErrorKind> {
        let size = image_size(&mut Cursor::new(content), sniff(content));
        size.map(|size| size.map(|size| size.to_string()))
            .map_err(|error| error.kind())
    }

    #[test]
    fn sizes_are_read() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(size_of(&testing::png(10, 10)), some("10x10"));
        assert_eq!(size_of(&testing::png(4_000, 3)), some("4000x3"));
        assert_eq!(size_of(b"GIF89a\x0a\0\x0b\x01\0\0\0;"), some("10x267"));
        // An application segment, a comment with padded marker, Huffman tables, then a progressive frame of 300x200.
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xfe\0\x02\xff\xc4\0\x03x\xff\xc2\0\x0b\x08\0\xc8\x01\x2c\x01\x01\x11\0\xff\xd9";
        assert_eq!(size_of(jpeg), some("300x200"));
    }

    #[test]
    fn other_types_have_none() {
        let bmp = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0";
        for (content, mime_type) in [
            (bmp.as_slice(), "image/bmp"),
            (b"%PDF-1.4\n", "application/pdf"),
            (b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
            (b"", "application/x-empty"),
        ] {
            assert_eq!(sniff(content), mime_type);
            assert_eq!(size_of(content), Ok(None), "{mime_type}");
        }
    }

    #[test]
    fn broken_images_are_errors() {
        let invalid = Err(io::ErrorKind::InvalidData);
        assert_eq!(
            size_of(&testing::png(10, 10)[..20]),
            Err(io::ErrorKind::UnexpectedEof)
        );
        assert_eq!(size_of(&testing::png(0, 10)), invalid);
        assert_eq!(size_of(&testing::png(u32::MAX, 10)), invalid);
        assert_eq!(size_of(b"GIF8xa\x0a\0\x0a\0\0\0\0"), invalid);
        assert_eq!(size_of(b"\xff\xd8\xff\xe0\0\x01"), invalid);
        assert_eq!(size_of(b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0"), invalid);
        assert_eq!(size_of(b"\xff\xd8\xff\xe0\0\x04abcd"), invalid);
        let mut endless = b"\xff\xd8\xff\xe0\0\x02".to_vec();
        endless.extend(b"\xff\xe0\0\x02".repeat(100_000));
        assert_eq!(
            size_of(&endless),
            invalid,
            "not after a bounded number of segments"
        );
    }
}
