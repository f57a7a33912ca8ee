//! Why a question could not be answered, by meaning.

use std::{fmt, sync::Arc, time::Duration};

use stoa_cache::FlightError;
use stoa_fetch::{FetchError, Reply, SourceName};
use stoa_storage::{RemoteFault, StorageError};

use crate::ChecksumError;

/// When to ask again if nobody can say, as with a breaker that an operator opened.
const SOME_TIME: Duration = Duration::from_secs(30);

/// When a caller may come back that found all flights taken; most end within seconds.
const FLIGHTS_RETRY_AFTER: Duration = Duration::from_secs(5);
/// When to ask again if the storage is away: a remount or a free file descriptor takes seconds.
const STORAGE_BACK: Duration = Duration::from_secs(10);
/// When to ask again if the storage is full: an operator has to free space.
const STORAGE_ROOM: Duration = Duration::from_secs(60);

/// What a failure means to the client. The server turns it into a status in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// No such module or version.
    NotFound,
    /// There was one; the source says it is gone for good.
    Gone,
    /// It is not here yet, and is being brought in. Nobody is sure that there is such a thing.
    Coming,
    /// A rule of this proxy forbids it.
    Refused,
    /// A source could not be reached, refused us, or sent something wrong.
    BadUpstream,
    /// A source took too long.
    Deadline,
    /// This proxy has too much to do, or is stopping.
    Overloaded,
    /// The storage of this proxy is away: a device that fails, a lost mount, missing permissions. It may come back.
    StorageUnavailable,
    /// The storage of this proxy has no room left.
    StorageFull,
    /// This proxy is at fault.
    Internal,
    /// This version of the proxy cannot do it.
    Unsupported,
}

/// A failure, cheap to clone because joined callers share it.
///
/// Its text may be sent to a client: it names no place of this machine. [`report`](Self::report) does, for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{cause}")]
pub struct ProxyError {
    cause: Cause,
    remembered: bool,
}

/// Prints all that is known of a failure.
#[derive(Clone, Copy, Debug)]
pub struct ErrorReport<'a>(&'a ProxyError);

impl fmt::Display for ErrorReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.cause() {
            Cause::Storage(error) => error.report().fmt(f),
            cause => cause.fmt(f),
        }
    }
}

/// Where a failure came from.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Cause {
    /// The source.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The checksum database, or what it recorded.
    #[error(transparent)]
    Sum(Arc<ChecksumError>),
    /// The network is switched off and it is not stored.
    #[error("{what} is not stored here, and network = \"offline\" asks nobody")]
    NotStored {
        /// What was asked for.
        what: String,
    },
    /// This process answers nobody.
    #[error("{what}: a worker serves no modules; ask a server")]
    NotServed {
        /// What was asked for.
        what: String,
    },
    /// It is being brought in by a job.
    #[error("{what} is not here yet: it is being brought in (job {job}); ask again in some seconds")]
    Coming {
        /// What was asked for.
        what: String,
        /// The job.
        job: Arc<str>,
        /// When to come back.
        retry_after: Duration,
    },
    /// A job was to bring it in, and could not.
    #[error("{text}")]
    Job {
        /// What that means.
        meaning: Meaning,
        /// Why, as the job tells it.
        text: Arc<str>,
        /// The job.
        job: Arc<str>,
    },
    /// A bound was reached.
    #[error("{reason}")]
    Overloaded {
        /// Which bound.
        reason: String,
        /// When to come back.
        retry_after: Duration,
    },
    /// The caller does not wait any longer. The work may go on for others.
    #[error("{what}: the time that the caller gave is over")]
    Deadline {
        /// What was asked for.
        what: String,
    },
    /// A bug or a lost task.
    #[error("internal error: {reason}")]
    Internal {
        /// What went wrong.
        reason: String,
    },
}

impl ProxyError {
    /// What the failure means to a client.
    pub fn meaning(&self) -> Meaning {
        match &self.cause {
            Cause::Fetch(error) => meaning_of(error),
            Cause::Sum(failure) => match failure.as_ref() {
                ChecksumError::Private { .. }
                | ChecksumError::Unknown { .. }
                | ChecksumError::Mismatch { .. } => Meaning::Refused,
                ChecksumError::NotRecorded { reply, .. } if reply.status == 410 => Meaning::Gone,
                ChecksumError::NotRecorded { .. } => Meaning::NotFound,
                ChecksumError::Alarm { .. } => Meaning::BadUpstream,
                ChecksumError::Behind { .. } => Meaning::Overloaded,
                ChecksumError::Unavailable { error, .. } | ChecksumError::Unverified { error, .. } => {
                    match meaning_of(error) {
                        _ if is_away(error) => Meaning::Overloaded,
                        // Our own rule keeps us from asking, which is no rule about the module.
                        Meaning::Refused => Meaning::BadUpstream,
                        meaning => meaning,
                    }
                }
            },
            Cause::NotStored { .. } => Meaning::NotFound,
            Cause::NotServed { .. } => Meaning::Refused,
            Cause::Coming { .. } => Meaning::Coming,
            Cause::Job { meaning, .. } => *meaning,
            Cause::Overloaded { .. } => Meaning::Overloaded,
            Cause::Deadline { .. } => Meaning::Deadline,
            Cause::Storage(error) => match error {
                StorageError::Full(_)
                | StorageError::Remote {
                    fault: RemoteFault::Full | RemoteFault::TooLarge,
                    ..
                } => Meaning::StorageFull,
                StorageError::Remote { .. }
                | StorageError::Unavailable(_)
                | StorageError::NotPermitted(_) => Meaning::StorageUnavailable,
                // No file system keeps such a name, that of a client neither: there is nothing to be had.
                StorageError::InvalidName(_) => Meaning::NotFound,
                _ => Meaning::Internal,
            },
            Cause::Internal { .. } => Meaning::Internal,
        }
    }

    /// Whether somebody is sure that there is no such thing; such answers are remembered for a while.
    pub fn is_not_found(&self) -> bool {
        matches!(self.meaning(), Meaning::NotFound | Meaning::Gone)
    }

    /// What the source itself said, if it said something.
    pub fn reply(&self) -> Option<&Reply> {
        if let Some(ChecksumError::NotRecorded { reply, .. }) = self.checksum_error() {
            return Some(reply);
        }
        match self.fetch_error()? {
            FetchError::NotFound(not_found) => not_found.reply.as_ref(),
            FetchError::Status { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// When it makes sense to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.cause {
            Cause::Overloaded { retry_after, .. } | Cause::Coming { retry_after, .. } => Some(*retry_after),
            Cause::Storage(_) => self.storage_back(),
            Cause::Sum(failure) if matches!(**failure, ChecksumError::Behind { .. }) => Some(SOME_TIME),
            Cause::Sum(_) if self.fetch_error().is_some_and(is_away) => Some(SOME_TIME),
            _ => match self.fetch_error()? {
                FetchError::Overloaded { retry_after, .. } => Some(retry_after.unwrap_or(SOME_TIME)),
                FetchError::Local { .. } => self.storage_back(),
                _ => None,
            },
        }
    }

    /// When what this machine keeps may be usable again.
    fn storage_back(&self) -> Option<Duration> {
        match self.meaning() {
            Meaning::StorageUnavailable => Some(STORAGE_BACK),
            Meaning::StorageFull => Some(STORAGE_ROOM),
            _ => None,
        }
    }

    /// What a checksum database has to do with it.
    pub fn checksum_error(&self) -> Option<&ChecksumError> {
        match &self.cause {
            Cause::Sum(failure) => Some(failure),
            _ => None,
        }
    }

    /// Whether what the source sent is no good, and would be no better the next time.
    pub fn is_of_content(&self) -> bool {
        matches!(self.fetch_error(), Some(FetchError::Invalid { .. }))
    }

    /// Whether the source fails at this path, and is there.
    pub fn is_of_path(&self) -> bool {
        self.fetch_error().is_some_and(FetchError::is_of_path)
    }

    /// What came of asking somebody, if that is why.
    fn fetch_error(&self) -> Option<&FetchError> {
        match &self.cause {
            Cause::Fetch(error) => Some(error),
            Cause::Sum(failure) => failure.fetch_error(),
            _ => None,
        }
    }

    /// All that is known of the failure, for a log or a terminal: of a storage also the place and what the operating
    /// system said.
    pub fn report(&self) -> ErrorReport<'_> {
        ErrorReport(self)
    }

    /// The id of the job that brings in what was asked for, or was to.
    pub fn job(&self) -> Option<&str> {
        match &self.cause {
            Cause::Coming { job, .. } | Cause::Job { job, .. } => Some(job),
            _ => None,
        }
    }

    /// Where the failure came from.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether the answer was given from memory.
    pub fn is_remembered(&self) -> bool {
        self.remembered
    }

    /// The same failure, given from memory.
    #[must_use]
    pub fn remembered(mut self) -> Self {
        self.remembered = true;
        self
    }

    /// A source sent something that the rules do not allow.
    pub(crate) fn invalid(source_name: &SourceName, reason: impl fmt::Display) -> Self {
        FetchError::Invalid {
            source_name: source_name.clone(),
            reason: reason.to_string(),
        }
        .into()
    }

    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Cause::Internal {
            reason: reason.into(),
        }
        .into()
    }

    pub(crate) fn overloaded(reason: impl Into<String>, retry_after: Duration) -> Self {
        Cause::Overloaded {
            reason: reason.into(),
            retry_after,
        }
        .into()
    }
}

/// Whether a checksum database fails or is silent, and so may be back in a moment. There is no other one to ask, so that it
/// is its clients' to come again.
fn is_away(error: &FetchError) -> bool {
    match error {
        FetchError::Unreachable { .. } | FetchError::Broken { .. } | FetchError::Timeout { .. } => true,
        FetchError::Status { reply, .. } => reply.status >= 500 || reply.status == 429,
        _ => false,
    }
}

fn meaning_of(error: &FetchError) -> Meaning {
    match error {
        FetchError::NotFound(not_found) if not_found.gone => Meaning::Gone,
        FetchError::NotFound(_) => Meaning::NotFound,
        FetchError::Refused { .. } => Meaning::Refused,
        FetchError::Unreachable { .. }
        | FetchError::Broken { .. }
        | FetchError::Unreadable { .. }
        | FetchError::Status { .. }
        | FetchError::Invalid { .. }
        | FetchError::Condemned { .. } => Meaning::BadUpstream,
        FetchError::Timeout { .. } => Meaning::Deadline,
        FetchError::Overloaded { .. } => Meaning::Overloaded,
        FetchError::Local { is_full: true, .. } => Meaning::StorageFull,
        FetchError::Local { .. } => Meaning::StorageUnavailable,
        FetchError::Unsupported { .. } => Meaning::Unsupported,
    }
}

impl From<ChecksumError> for Cause {
    fn from(failure: ChecksumError) -> Self {
        Self::Sum(Arc::new(failure))
    }
}

impl<C: Into<Cause>> From<C> for ProxyError {
    fn from(cause: C) -> Self {
        Self {
            cause: cause.into(),
            remembered: false,
        }
    }
}

/// Too much is under way already.
impl From<FlightError> for Cause {
    fn from(error: FlightError) -> Self {
        Self::Overloaded {
            reason: error.to_string(),
            retry_after: FLIGHTS_RETRY_AFTER,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use super::*;

    const PLACE: &str = "/srv/modules/.stoa/tmp/1";

    #[test]
    fn a_failure_of_the_storage_has_the_meaning_of_its_cause() {
        use io::ErrorKind::{
            InvalidFilename, NotADirectory, NotFound, Other, PermissionDenied, QuotaExceeded,
            ReadOnlyFilesystem, StorageFull,
        };
        for (kind, meaning, seconds) in [
            (StorageFull, Meaning::StorageFull, Some(60)),
            (QuotaExceeded, Meaning::StorageFull, Some(60)),
            (PermissionDenied, Meaning::StorageUnavailable, Some(10)),
            (ReadOnlyFilesystem, Meaning::StorageUnavailable, Some(10)),
            (NotFound, Meaning::StorageUnavailable, Some(10)),
            (NotADirectory, Meaning::StorageUnavailable, Some(10)),
            (Other, Meaning::StorageUnavailable, Some(10)),
            (InvalidFilename, Meaning::NotFound, None),
        ] {
            let error: ProxyError = StorageError::from_io("write", Path::new(PLACE), kind.into()).into();
            assert_eq!(error.meaning(), meaning, "{kind:?}");
            let retry_after = error.retry_after();
            assert_eq!(retry_after.map(|after| after.as_secs()), seconds, "{kind:?}");
            assert_eq!(error.is_not_found(), kind == InvalidFilename, "{kind:?}");
            let (text, report) = (error.to_string(), error.report().to_string());
            assert!(!text.contains('/'), "{text}");
            assert_eq!(
                report,
                format!("{text}: cannot write {PLACE}: {}", io::Error::from(kind))
            );
        }
    }
}
