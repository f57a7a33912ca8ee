//! What can go wrong with a storage, by meaning.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blocking::Cancelled;
use crate::remote_fault::RemoteFault;

/// Why a storage could not do what it was asked.
///
/// That a file is not stored is no error: [`Storage::open`](crate::Storage::open) says `None`.
///
/// The message says what it means to a client and what the operator can do, in one line. It names no file or
/// directory of this machine, so it may leave the machine. The place and the operating system's own words are in
/// [`source`](Error::source); [`report`](Self::report) prints all of it for a log or a terminal.
///
/// Cheap to clone, so that callers who share a flight share its error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no room: the disk, a quota, a file size limit or the bound of a memory store is reached.
    /// Nothing of the refused file is left behind.
    #[error("the storage of this proxy has no room left: free space or raise the limit")]
    Full(#[source] Arc<AccessError>),

    /// The storage may not be used this way: permissions are missing, or it is mounted read-only.
    #[error(
        "this proxy has no permission to use its storage: make it readable and writable for the user that runs stoa"
    )]
    NotPermitted(#[source] Arc<AccessError>),

    /// The storage is away for now: a device error, a lost mount, a directory that is gone, too many open files.
    #[error("the storage of this proxy is unavailable: check it and the system's log")]
    Unavailable(#[source] Arc<AccessError>),

    /// What is stored is not what was once stored.
    #[error("a stored file is damaged: quarantine it and fetch it again")]
    Damaged(#[source] Arc<AccessError>),

    /// The file is larger than the caller is willing to hold in memory.
    #[error("a stored file has {len} bytes, and {max} are accepted here: read it in pieces")]
    TooLarge {
        /// The file's size in bytes.
        len: u64,
        /// The caller's bound in bytes.
        max: u64,
        /// Which file.
        source: Arc<AccessError>,
    },

    /// A service that keeps the files did not do what it was asked.
    #[error("{fault}")]
    Remote {
        /// Why.
        fault: RemoteFault,
        /// What was asked, and the service's own words.
        source: Arc<AccessError>,
    },

    /// No file can have this name in this storage; asking again cannot help.
    #[error("the name of the file, or a part of it, is longer than the storage allows")]
    InvalidName(#[source] Arc<AccessError>),

    /// The storage URL of the configuration names nothing that can be opened.
    #[error("bad storage url: {reason}")]
    InvalidUrl {
        /// What is wrong, without repeating secrets a URL may hold.
        reason: String,
    },
}

/// What was done to which file or directory of the storage. The operating system's answer is its
/// [`source`](Error::source).
///
/// It names a place of this machine: it is for the log and the operator.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct AccessError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// An error with its sources, one after the other with colons between them: for a log or a terminal, not for a client.
#[derive(Clone, Copy, Debug)]
pub struct StorageReport<'a>(&'a StorageError);

impl StorageError {
    /// Gives `error`, met when doing `action` (a verb) to `path`, its meaning.
    pub fn from_io(action: &'static str, path: &Path, error: io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, InvalidFilename, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let meaning = match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            PermissionDenied | ReadOnlyFilesystem => Self::NotPermitted,
            InvalidFilename => Self::InvalidName,
            _ => Self::Unavailable,
        };
        meaning(AccessError::new(action, path, error))
    }

    /// A service's fault, met when doing `action` (a verb) to what is at `place`; `words` are its own.
    #[cfg(any(feature = "external", feature = "mongodb", feature = "object"))]
    pub(crate) fn remote(
        fault: RemoteFault,
        action: &'static str,
        place: impl AsRef<Path>,
        words: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let source = AccessError::new(action, place.as_ref(), io::Error::other(words));
        Self::Remote { fault, source }
    }

    /// The file at `path` is not what was stored there, which shows in `reason`.
    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged(AccessError::new("use", path, invalid(reason.into())))
    }

    /// The file at `path` has `len` bytes, more than `max`.
    pub(crate) fn too_large(path: &Path, len: u64, max: u64) -> Self {
        let reason = format!("it has {len} bytes, and {max} are accepted");
        Self::TooLarge {
            len,
            max,
            source: AccessError::new("hold in memory", path, invalid(reason)),
        }
    }

    /// The whole of it, with the place and the operating system's words.
    pub fn report(&self) -> StorageReport<'_> {
        StorageReport(self)
    }
}

impl From<Cancelled> for StorageError {
    fn from(cancelled: Cancelled) -> Self {
        Self::from_io("reach", Path::new("the storage"), cancelled.into())
    }
}

impl AccessError {
    fn new(action: &'static str, path: &Path, source: io::Error) -> Arc<Self> {
        Arc::new(Self {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Display for StorageReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "/srv/modules/example.com/m/@v/v1.0.0.zip";

    fn from_code(code: rustix::io::Errno) -> StorageError {
        StorageError::from_io("write", Path::new(PLACE), code.into())
    }

    #[test]
    fn the_operating_systems_errors_have_a_meaning() {
        use rustix::io::Errno;
        for (code, meaning) in [
            (Errno::NOSPC, "Full"),
            (Errno::DQUOT, "Full"),
            (Errno::FBIG, "Full"),
            (Errno::ACCESS, "NotPermitted"),
            (Errno::PERM, "NotPermitted"),
            (Errno::ROFS, "NotPermitted"),
            (Errno::IO, "Unavailable"),
            (Errno::NOENT, "Unavailable"),
            (Errno::NOTDIR, "Unavailable"),
            (Errno::MFILE, "Unavailable"),
            (Errno::NFILE, "Unavailable"),
            (Errno::NODEV, "Unavailable"),
            (Errno::STALE, "Unavailable"),
            (Errno::TIMEDOUT, "Unavailable"),
            (Errno::NAMETOOLONG, "InvalidName"),
        ] {
            let error = format!("{:?}", from_code(code));
            assert!(error.starts_with(&format!("{meaning}(")), "{code:?}: {error}");
        }
    }

    #[test]
    fn the_message_names_no_place_and_the_report_does() {
        let errors = [
            from_code(rustix::io::Errno::NOSPC),
            from_code(rustix::io::Errno::ACCESS),
            from_code(rustix::io::Errno::IO),
            from_code(rustix::io::Errno::NAMETOOLONG),
            StorageError::damaged(Path::new(PLACE), "it ends early"),
            StorageError::too_large(Path::new(PLACE), 20, 10),
        ];
        for error in errors {
            let (message, report) = (error.to_string(), error.report().to_string());
            assert!(!message.contains('/') && !message.contains('\n'), "{message}");
            assert!(report.starts_with(&format!("{message}: cannot ")), "{report}");
            assert!(report.contains(&format!(" {PLACE}: ")), "{report}");
        }
        assert_eq!(
            from_code(rustix::io::Errno::NOSPC).report().to_string(),
            format!(
                "the storage of this proxy has no room left: free space or raise the limit: cannot write {PLACE}: \
                 No space left on device (os error 28)"
            )
        );
    }
}
