//! Why a checksum database does not answer, or a file is refused on its word.

use std::sync::Arc;

use stoa_fetch::{FetchError, Reply, SourceName};
use stoa_module::ModuleVersion;
use stoa_sumdb::{KeyName, SumError};

use super::Alarm;

/// Why a checksum database does not answer, or a file is refused on its word. Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChecksumError {
    /// The module is private, so that nobody outside is asked about it.
    #[error("{module} is private (vcs.private): the checksum database {database} is not asked about it")]
    Private {
        /// What was asked about.
        module: Box<ModuleVersion>,
        /// Who was not asked.
        database: KeyName,
    },
    /// The database says that it has no such thing.
    #[error("{}", said(.reply))]
    NotRecorded {
        /// Who says so.
        database: KeyName,
        /// In its own words: status 404 or 410.
        reply: Reply,
    },
    /// The database speaks of something that its signed log does not have yet.
    #[error("the checksum database {database} has not integrated this yet: {reason}")]
    Behind {
        /// Who is behind.
        database: KeyName,
        /// What is missing.
        reason: Arc<str>,
    },
    /// A module version that was fetched, and that the database does not know.
    #[error(
        "{module} is refused: the checksum database {database} does not know it; if it is private, add it to \
         vcs.private\n{}", said(.reply)
    )]
    Unknown {
        /// What was fetched.
        module: Box<ModuleVersion>,
        /// Who does not know it.
        database: KeyName,
        /// In its own words.
        reply: Reply,
    },
    /// What was fetched is not what the database recorded.
    #[error("security error: {error}; not stored (sent by {source_name}, verified with {database})")]
    Mismatch {
        /// Who sent it.
        source_name: SourceName,
        /// Who recorded something else.
        database: KeyName,
        /// Which file, and both hashes.
        error: Arc<SumError>,
    },
    /// The database could not be asked.
    #[error("the checksum database {database} does not answer: {error}")]
    Unavailable {
        /// Who does not answer.
        database: KeyName,
        /// What came of asking.
        error: FetchError,
    },
    /// A module version that was fetched, and cannot be verified.
    #[error(
        "{module} cannot be verified: the checksum database {database} does not answer: {error} \
         (sumdb.unavailable = \"refuse\")"
    )]
    Unverified {
        /// What was fetched.
        module: Box<ModuleVersion>,
        /// Who does not answer.
        database: KeyName,
        /// What came of asking.
        error: FetchError,
    },
    /// The database, or who stands between, was caught.
    #[error("security error: the checksum database {database} is not believed: {reason}")]
    Alarm {
        /// Who was caught.
        database: KeyName,
        /// How.
        alarm: Alarm,
        /// What exactly.
        reason: Arc<str>,
    },
}

impl ChecksumError {
    /// What came of asking, where that is why.
    pub(crate) fn fetch_error(&self) -> Option<&FetchError> {
        match self {
            Self::Unavailable { error, .. } | Self::Unverified { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The same as said of a module version that was fetched and is about to be stored.
    pub(super) fn at_ingest(self, module: &ModuleVersion) -> Self {
        let module = Box::new(module.clone());
        match self {
            Self::NotRecorded { database, reply } => Self::Unknown {
                module,
                database,
                reply,
            },
            Self::Unavailable { database, error } => Self::Unverified {
                module,
                database,
                error,
            },
            other => other,
        }
    }
}

/// The first line of what a database said.
pub(super) fn said(reply: &Reply) -> String {
    let first = reply.text().and_then(|text| text.lines().next());
    first.map_or_else(|| format!("status {}", reply.status), str::to_owned)
}
