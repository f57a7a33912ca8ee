//! Entity tags of stored files.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use stoa_module::dirhash::H1;

/// A strong entity tag, as text without quotes.
///
/// It tells contents of a key apart, so that a client that resumes a download never mixes two files:
///
/// * a zip with a recorded hash: the digest of the hash and the length. The same on every node, and other than
///   before if a quarantined zip comes back compressed differently (the hash covers names and contents only);
/// * any other small file: a digest of its content;
/// * any other file: what the adapter knows to change when a file is replaced (on disk: time of writing to
///   the nanosecond, inode and length).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(Arc<str>);

impl ETag {
    /// The tag of a zip of `len` bytes with the hash `h1`.
    pub fn of_zip(h1: &H1, len: u64) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(h1.as_bytes());
        Self(format!("{digest}-{len:x}").into())
    }

    /// The tag of a file with this content.
    pub fn of_content(content: &[u8]) -> Self {
        let digest = Sha256::digest(content);
        Self(URL_SAFE_NO_PAD.encode(&digest[..18]).into())
    }

    /// A tag from what identifies one writing of a file.
    pub(crate) fn of_writing(modified_ns: i128, inode: u64, len: u64) -> Self {
        Self(format!("{modified_ns:x}-{inode:x}-{len:x}").into())
    }

    /// A tag from what identifies an object of a bucket: a text without quotes, spaces and control characters.
    #[cfg(feature = "object")]
    pub(crate) fn of_object(identity: &str, len: u64) -> Self {
        Self(format!("{identity}-{len:x}").into())
    }

    /// The tag's text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
