//! What happens to stored modules.

use stoa_module::{ModuleVersion, dirhash::H1};

use crate::{Origin, Timestamp, Verifier};

/// The longest module path that an index keeps, in bytes. With a version it is a key of every database that there is an
/// adapter for. Storages keep no longer ones either: a key of a bucket has 1024 bytes.
pub const MAX_MODULE: usize = 2_048;

/// The longest version that an index keeps, in bytes. A file name has 255.
pub const MAX_VERSION: usize = 512;

/// One of the files of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `.info`
    Info,
    /// `.mod`
    Mod,
    /// `.zip`
    Zip,
}

impl FileKind {
    /// All of them, in the order in which they are fetched.
    pub const ALL: [Self; 3] = [Self::Info, Self::Mod, Self::Zip];
}

/// Something that happened to a stored module, which changes the index. The same event again changes nothing.
///
/// What happened to a version whose name is longer than [`MAX_MODULE`] and [`MAX_VERSION`] allow leaves no trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexEvent {
    /// A file is stored.
    Stored(Stored),
    /// Somebody got a file of a version.
    Used {
        /// The version. If the index does not know it, nothing happens.
        target: ModuleVersion,
        /// When. The latest of all is kept.
        at: Timestamp,
    },
    /// A file is not stored any more.
    Removed {
        /// The version. When none of its files is left, it goes.
        target: ModuleVersion,
        /// Which file.
        kind: FileKind,
    },
}

/// A file that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The version.
    pub target: ModuleVersion,
    /// Which of its files.
    pub kind: FileKind,
    /// How many bytes it has. What is more than 2⁴⁸-1 counts as that.
    pub size: u64,
    /// Its hash, if it is known: that of the zip, or that of the go.mod file. Ignored for an `.info`, which has none.
    pub h1: Option<H1>,
    /// Where it came from, if that is known. The latest that is known is kept.
    pub origin: Option<Origin>,
    /// What it was verified by, if that is known. The latest that is known is kept.
    pub verified_by: Option<Verifier>,
    /// None if it has just been stored. If a rebuild found it, the time of the file, which becomes
    /// [`first_seen`](crate::IndexEntry::first_seen) of a version that the index did not know; origin and verifier of such an
    /// event are ignored, as a file does not tell them.
    pub found: Option<Timestamp>,
}

impl IndexEvent {
    /// The version that it is about.
    pub fn target(&self) -> &ModuleVersion {
        match self {
            Self::Stored(Stored { target, .. })
            | Self::Used { target, .. }
            | Self::Removed { target, .. } => target,
        }
    }
}

/// Whether an index keeps a version of this name.
pub(crate) fn has_room(target: &ModuleVersion) -> bool {
    target.path().as_str().len() <= MAX_MODULE && target.version().as_str().len() <= MAX_VERSION
}
