//! All files of a folder at a revision.

use std::fmt;
use std::io::Read;

use crate::VcsError;

/// The longest hash that names a content, in bytes: SHA-256.
const LONGEST: usize = 32;

/// What a content is called in its repository: the hash that the system stores it under. Within one repository the same
/// name is the same bytes, for ever; in another one it may be anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentId {
    /// Filled up with zeros.
    hash: [u8; LONGEST],
    len: u8,
}

impl ContentId {
    /// The name that these hexadecimal digits are, if they are 1 to 32 bytes.
    pub fn parse_hex(digits: &str) -> Option<Self> {
        let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
        let mut id = Self {
            hash: [0; LONGEST],
            len: u8::try_from(digits.len() / 2).ok()?,
        };
        let pairs = digits.as_bytes().chunks_exact(2);
        if digits.is_empty() || !pairs.remainder().is_empty() || pairs.len() > LONGEST {
            return None;
        }
        for (byte, pair) in id.hash.iter_mut().zip(pairs) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(id)
    }

    /// The hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.hash[..usize::from(self.len)]
    }
}

/// Prints hexadecimal digits.
impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({self})")
    }
}

/// The contents that a caller has from an earlier archive of the repository. They are not read again.
pub trait KnownContents: Send + Sync {
    /// The length in bytes of the content of the file at `path`, if the caller has that content. Asked for each entry,
    /// in the order of the archive, before the first of them is given.
    fn size(&self, path: &[u8], id: &ContentId) -> Option<u64>;
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file, executable or not.
    File,
    /// A symbolic link; its content is where it points to. It is never followed.
    Symlink,
    /// Something else that is not a folder, such as a device in an archive.
    Other,
}

/// One entry of an archive.
pub struct Entry<'a> {
    /// Its path below the folder that was asked for, elements separated by `/`, as the repository has it: it may be
    /// anything, including hostile. Bytes, because not every name is UTF-8.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// What its content is called, where that is exactly what the repository stores under this name.
    pub id: Option<ContentId>,
    /// The length of its content in bytes.
    pub size: u64,
    /// Its content, as a checkout on a Unix machine without configuration would have it: line ends and encodings as
    /// the repository's own attributes say, `$Id$` expanded, no filters of the host. Reading what was
    /// [known](KnownContents) fails.
    pub content: &'a mut dyn Read,
}

/// The entries of an archive, one after another, in the order of the archive; folders are left out. For blocking
/// threads. Dropping it ends what produces it.
pub trait Archive: Send {
    /// The next entry. Skips the unread rest of the one before.
    ///
    /// # Errors
    /// When the system's program fails, is too slow, or sends more than was allowed.
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ids_are_whole_hashes() {
        for digits in ["0f", &"ab".repeat(20), &"cd".repeat(32)] {
            let id = ContentId::parse_hex(digits).expect("a hash");
            assert_eq!(id.to_string(), *digits);
            assert_eq!(id.as_bytes().len() * 2, digits.len());
        }
        for wrong in ["", "a", "0g", "é", &"ab".repeat(33)] {
            assert_eq!(ContentId::parse_hex(wrong), None, "{wrong:?}");
        }
        let [short, long] = ["ab", "ab00"].map(ContentId::parse_hex);
        assert_ne!(short, long, "zeros at the end are not what it is filled up with");
    }
}
