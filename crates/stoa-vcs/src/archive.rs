//! All files of a folder at a revision.

use std::io::Read;

use crate::VcsError;

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
    /// The length of its content in bytes.
    pub size: u64,
    /// Its content, as a checkout on a Unix machine without configuration would have it: line ends and encodings as
    /// the repository's own attributes say, `$Id$` expanded, no filters of the host.
    pub content: &'a mut dyn Read,
}

/// The entries of an archive, one after another, in the order of the archive; folders are left out. For blocking
/// threads. Dropping it ends what produces it.
pub trait Archive: Send {
    /// The next entry; what was not read of the one before is skipped.
    ///
    /// # Errors
    /// When the system's program fails, is too slow, or sends more than was allowed.
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError>;
}
