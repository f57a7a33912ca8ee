//! How large a module may be.

/// Largest module zip, and largest sum of its files, in bytes (`MaxZipFile` of `golang.org/x/mod/zip`).
pub const MAX_ZIP_FILE: u64 = 500 << 20;

/// Largest `go.mod` in the root of a module, in bytes (`MaxGoMod`).
pub const MAX_GO_MOD: u64 = 16 << 20;

/// Largest `LICENSE` in the root of a module, in bytes (`MaxLICENSE`).
pub const MAX_LICENSE: u64 = 16 << 20;

/// Bounds that a zip is held to while it is read.
///
/// The first two are rules of the go command: it refuses whatever exceeds the defaults, so larger values only help
/// other clients. The others keep the memory and time of a check in proportion, and have no counterpart in Go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipLimits {
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// Bytes of all files together, inflated.
    pub uncompressed_bytes: u64,
    /// Entries, directories included.
    pub entries: usize,
    /// Bytes of names that are compared with one another, parent directories included.
    pub name_bytes: u64,
}

impl Default for ZipLimits {
    /// The limits of the go command; 500,000 entries; 128 MiB of names.
    fn default() -> Self {
        Self {
            archive_bytes: MAX_ZIP_FILE,
            uncompressed_bytes: MAX_ZIP_FILE,
            entries: 500_000,
            name_bytes: 128 << 20,
        }
    }
}
