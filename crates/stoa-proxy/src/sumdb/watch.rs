//! What is counted of checksum databases.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_sumdb::RemotePath;

use super::{Alarm, ChecksumDatabase, SumAnswer, databases::kind};
use crate::ProxyError;

/// What became of a file that was about to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verification {
    /// The database recorded the same.
    Verified,
    /// The database recorded something else, and it was refused.
    Mismatch,
    /// The database recorded nothing, and it was refused.
    Unknown,
    /// The database did not answer, and it was refused.
    Refused,
    /// The database did not answer, and it was stored unverified.
    Allowed,
    /// The database was caught, and it was refused.
    Alarm,
    /// It is private, and the database was not asked.
    Private,
}

/// Is told what happens, to count it.
pub trait SumWatch: fmt::Debug + Send + Sync + 'static {
    /// A question of this kind was answered so: an [`Outcome`](crate::Outcome) as text, `not_found` or `error`.
    fn answered(&self, kind: &'static str, result: &'static str);
    /// A file that was about to be stored came to this.
    fn verified(&self, verification: Verification);
    /// A database was caught.
    fn alarm(&self, alarm: Alarm);
}

/// Nobody counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl SumWatch for Unwatched {
    fn answered(&self, _kind: &'static str, _result: &'static str) {}
    fn verified(&self, _verification: Verification) {}
    fn alarm(&self, _alarm: Alarm) {}
}

impl Verification {
    /// The word that metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatch => "mismatch",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Allowed => "allowed",
            Self::Alarm => "alarm",
            Self::Private => "private",
        }
    }
}

/// Counts every question. Outermost, so that what proxies ask for themselves is counted too.
#[derive(Debug)]
pub struct Watched {
    inner: Arc<dyn ChecksumDatabase>,
    watch: Arc<dyn SumWatch>,
}

impl Watched {
    /// Tells `watch`.
    pub fn new(inner: Arc<dyn ChecksumDatabase>, watch: Arc<dyn SumWatch>) -> Self {
        Self { inner, watch }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "watched > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumDatabase for Watched {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        let answer = self.inner.get(path).await;
        let result = match &answer {
            Ok(answer) => answer.outcome.as_str(),
            Err(error) if error.is_remembered() => "negative",
            Err(error) if error.is_not_found() => "not_found",
            Err(_) => "error",
        };
        self.watch.answered(kind(path), result);
        answer
    }
}
