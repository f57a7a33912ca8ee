//! Which database a path is of.

use std::{fmt, sync::Arc, time::Duration};

use stoa_sumdb::{KeyName, RemotePath, RemotePathError};

use super::{ChecksumDatabase, SumAnswer};
use crate::{Outcome, ProxyError};

/// How long a client may believe that a database is passed on.
const SUPPORTED_FOR: Duration = Duration::from_secs(60);

/// The databases that are passed on to clients, by name.
#[derive(Clone, Debug, Default)]
pub struct ChecksumDatabases {
    /// The longest name first, so that no name hides one that begins with it.
    databases: Vec<(KeyName, Arc<dyn ChecksumDatabase>)>,
}

/// A question to one of them.
#[derive(Clone, Debug)]
pub struct SumQuestion {
    database: Arc<dyn ChecksumDatabase>,
    request: SumRequest,
}

/// What a client can ask of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SumRequest {
    /// Whether it is passed on.
    Supported,
    /// What the database itself answers.
    Remote(RemotePath),
}

/// A path below `/sumdb/` that nobody answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumPathError {
    /// No database of such a name is passed on. A go command asks the next proxy, or the database itself.
    #[error("no such checksum database is passed on (sumdb.databases)")]
    NoDatabase,
    /// The database has no such path.
    #[error(transparent)]
    Path(#[from] RemotePathError),
}

impl ChecksumDatabases {
    /// These databases, each under its name.
    pub fn new(databases: impl IntoIterator<Item = (KeyName, Arc<dyn ChecksumDatabase>)>) -> Self {
        let mut databases: Vec<_> = databases.into_iter().collect();
        databases.sort_by_key(|(name, _)| std::cmp::Reverse(name.as_str().len()));
        Self { databases }
    }

    /// Reads a percent-decoded path below `/sumdb/`, such as `sum.golang.org/lookup/example.com/a@v1.0.0`.
    ///
    /// A name may have slashes, and so may what follows. What is before the slash is a name only if it is known.
    ///
    /// # Errors
    /// [`SumPathError`] if no database has it.
    pub fn parse(&self, path: &str) -> Result<SumQuestion, SumPathError> {
        let below = |(name, database): &(KeyName, Arc<dyn ChecksumDatabase>)| {
            let rest = path.strip_prefix(name.as_str())?;
            rest.starts_with('/')
                .then(|| (Arc::clone(database), rest.to_owned()))
        };
        let (database, rest) = self
            .databases
            .iter()
            .find_map(below)
            .ok_or(SumPathError::NoDatabase)?;
        let request = match rest.as_str() {
            "/supported" => SumRequest::Supported,
            path => SumRequest::Remote(path.parse()?),
        };
        Ok(SumQuestion { database, request })
    }
}

impl fmt::Display for ChecksumDatabases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, database)) in self.databases.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{name} => {database}")?;
        }
        Ok(())
    }
}

impl SumQuestion {
    /// What is asked.
    pub fn request(&self) -> &SumRequest {
        &self.request
    }

    /// The answer.
    ///
    /// # Errors
    /// Those of the database; that one is passed on is answered without it.
    pub async fn answer(&self) -> Result<SumAnswer, ProxyError> {
        match &self.request {
            SumRequest::Supported => Ok(SumAnswer {
                fresh_for: Some(SUPPORTED_FOR),
                ..SumAnswer::new("", Outcome::Hit)
            }),
            SumRequest::Remote(path) => self.database.get(path).await,
        }
    }
}

impl SumRequest {
    /// The kind, as metrics name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Supported => "sumdb_supported",
            Self::Remote(path) => kind(path),
        }
    }

    /// The media type of answers.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Supported => "text/plain; charset=UTF-8",
            Self::Remote(path) => path.content_type(),
        }
    }
}

/// The kind of a path, as metrics name it.
pub(super) fn kind(path: &RemotePath) -> &'static str {
    match path {
        RemotePath::Latest => "sumdb_latest",
        RemotePath::Lookup(_) => "sumdb_lookup",
        RemotePath::Tile(_) => "sumdb_tile",
    }
}
