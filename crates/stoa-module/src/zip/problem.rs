//! Why one file stays out of a module zip, or spoils it.

use std::borrow::Cow;
use std::fmt;

use super::limits::{MAX_GO_MOD, MAX_LICENSE};
use crate::PathError;
use crate::quote::Quoted;

/// What is wrong with a file, or why it is left out. The texts are those of `golang.org/x/mod/zip`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// The path has empty, `.` or `..` elements.
    #[error("file path is not clean")]
    NotClean,
    /// The path starts with a slash.
    #[error("file path is not relative")]
    NotRelative,
    /// The path is not one that every file system can hold.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The root `go.mod` is spelled otherwise, such as `GO.MOD`.
    #[error("go.mod files must have lowercase names")]
    GoModCase,
    /// A zip has a `go.mod` below the root: these files belong to another module.
    #[error("go.mod file not in module root directory")]
    GoModNotInRoot,
    /// The root `go.mod` exceeds [`MAX_GO_MOD`].
    #[error("go.mod file too large (max size is {MAX_GO_MOD} bytes)")]
    GoModTooLarge,
    /// The root `LICENSE` exceeds [`MAX_LICENSE`].
    #[error("LICENSE file too large (max size is {MAX_LICENSE} bytes)")]
    LicenseTooLarge,
    /// A zip entry is not below `path@version/`.
    #[error("path does not have prefix {}", Quoted::text(prefix))]
    NoPrefix {
        /// The prefix that all entries must have.
        prefix: String,
    },
    /// Two names are equal on a file system that does not tell cases apart.
    #[error(
        "case-insensitive file name collision: {} and {}",
        Quoted::text(first),
        Quoted::text(second)
    )]
    CaseCollision {
        /// The name that came first: a file or one of its parent directories.
        first: String,
        /// The name that collides with it.
        second: String,
    },
    /// A name stands for a file and for a directory.
    #[error("entry {} is both a file and a directory", Quoted::text(path))]
    FileAndDirectory {
        /// The name.
        path: String,
    },
    /// A file is listed twice.
    #[error("multiple entries for file {}", Quoted::text(path))]
    Duplicate {
        /// The name.
        path: String,
    },
    /// The paths before this one are too many, too long or too deep to be compared.
    #[error("too many or too long file names")]
    TooManyNames,
    /// Omitted: a directory such as `.git`.
    #[error("directory is a version control repository")]
    VersionControl,
    /// Omitted: a vendored package.
    #[error("file is in vendor directory")]
    Vendored,
    /// Omitted: below a directory that has its own `go.mod`.
    #[error("file is in another module")]
    InSubmodule,
    /// Omitted: a directory that has its own `go.mod`.
    #[error("directory is in another module")]
    Submodule,
    /// Omitted: `.hg_archival.txt` in the root.
    #[error("file is inserted by 'hg archive' and is always omitted")]
    HgArchival,
    /// Omitted: a symbolic link.
    #[error("file is a symbolic link")]
    Symlink,
    /// Omitted: a directory, device, pipe or socket.
    #[error("not a regular file")]
    NotRegular,
}

/// A file and what is wrong with it, displayed as `path: problem`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", self.path_text())]
pub struct FileError {
    /// The path as it was given: relative to the module, or the whole name of a zip entry.
    pub path: Vec<u8>,
    /// What is wrong with it.
    #[source]
    pub problem: FileProblem,
}

impl FileError {
    pub(super) fn new(path: impl Into<Vec<u8>>, problem: FileProblem) -> Self {
        Self {
            path: path.into(),
            problem,
        }
    }

    /// The path as text; what is not UTF-8 is replaced.
    pub fn path_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.path)
    }
}

/// The files that spoil a zip, displayed one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileErrors(pub Vec<FileError>);

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FileErrors {}
