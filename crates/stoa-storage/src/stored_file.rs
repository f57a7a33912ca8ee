//! What a listing says of a stored file.

use std::time::SystemTime;

use crate::key::FileKey;

/// A stored file as a listing shows it: nothing was opened for this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Which file.
    pub key: FileKey,
    /// Its size in bytes.
    pub len: u64,
    /// When it was stored, by the clock of the medium; to the second where the medium is no finer.
    pub modified: SystemTime,
    /// When it was last read, as far as the medium knows; else when it was stored.
    pub used: SystemTime,
}
