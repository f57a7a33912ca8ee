//! Asked before a file is stored: what was recorded of it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_module::{ModuleVersion, PatternList};
use stoa_sumdb::{KeyName, RemotePath};

use super::{ChecksumDatabase, ChecksumError, Expected, SumWatch, Verification};
use crate::ProxyError;

/// Says what the files of a module version are held against before they are stored.
///
/// # Contract
/// * An error means that nothing of the version may be stored now, and says why.
/// * Dropping the future cancels nothing that others may be waiting for.
#[async_trait]
pub trait Sums: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// What the files of `target` are held against.
    async fn expected(&self, target: &ModuleVersion) -> Result<Expected, ProxyError>;
}

/// Nothing is verified.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCheck;

impl fmt::Display for NoCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no_check")
    }
}

#[async_trait]
impl Sums for NoCheck {
    async fn expected(&self, _target: &ModuleVersion) -> Result<Expected, ProxyError> {
        Ok(Expected::anything())
    }
}

/// What happens to what cannot be verified because the database does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// It is refused until the database answers.
    Refuse,
    /// It is stored unverified, and the log says so.
    Allow,
}

/// Holds every public module version against the record of one database.
#[derive(Debug)]
pub struct CheckedSums {
    database: Arc<dyn ChecksumDatabase>,
    name: KeyName,
    private: PatternList,
    unavailable: Unavailable,
    watch: Arc<dyn SumWatch>,
}

impl CheckedSums {
    /// Asks `database`, which has this name, about everything that `private` does not match.
    pub fn new(
        database: Arc<dyn ChecksumDatabase>,
        name: KeyName,
        private: PatternList,
        unavailable: Unavailable,
        watch: Arc<dyn SumWatch>,
    ) -> Self {
        Self {
            database,
            name,
            private,
            unavailable,
            watch,
        }
    }
}

impl fmt::Display for CheckedSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match self.unavailable {
            Unavailable::Refuse => "refuse",
            Unavailable::Allow => "allow",
        };
        write!(f, "checked by {}, unavailable: {policy}", self.name)
    }
}

#[async_trait]
impl Sums for CheckedSums {
    async fn expected(&self, target: &ModuleVersion) -> Result<Expected, ProxyError> {
        if self.private.matches(target.path().as_str()) {
            self.watch.verified(Verification::Private);
            return Ok(Expected::anything());
        }
        let answer = self.database.get(&RemotePath::Lookup(target.clone())).await;
        let error = match answer.map(|answer| answer.sums) {
            Ok(Some(sums)) => {
                let watch = Arc::clone(&self.watch);
                return Ok(Expected::recorded(self.name.clone(), sums, watch));
            }
            Ok(None) => return Err(ProxyError::internal("a lookup without checksums")),
            Err(error) => error,
        };
        let Some(failure) = error.checksum_error() else {
            self.watch.verified(Verification::Refused);
            return Err(error);
        };
        if let (ChecksumError::Unavailable { .. }, Unavailable::Allow) = (failure, self.unavailable) {
            tracing::warn!(module = %target, error = %error.report(), "stored unverified (sumdb.unavailable = \"allow\")");
            self.watch.verified(Verification::Allowed);
            return Ok(Expected::anything());
        }
        self.watch.verified(match failure {
            ChecksumError::NotRecorded { .. } => Verification::Unknown,
            ChecksumError::Unavailable { .. } => Verification::Refused,
            _ => Verification::Alarm,
        });
        Err(failure.clone().at_ingest(target).into())
    }
}
