//! Which database, and how it is used.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Which database, and how it is used. Its URL is a secret and does not print.
#[derive(Clone)]
pub struct MongoOptions {
    /// The connection string, `mongodb://` or `mongodb+srv://`.
    pub url: String,
    /// The database. Athens' default is `athens`.
    pub database: String,
    /// The collection in which Athens keeps its versions; its default is `modules`. `None` where Athens never was.
    pub athens: Option<String>,
    /// A directory of this machine for files on their way in. It exists, and nothing in it has a name.
    pub spool: PathBuf,
    /// The longest time for one operation, the choice of a server included.
    pub deadline: Duration,
    /// The most connections to one server.
    pub connections: u32,
    /// How old the pieces of a file are that was never finished, before [`settle`](super::MongoStorage::settle) takes its
    /// writer for dead. Longer than a file may be on its way.
    pub abandoned: Duration,
}

impl MongoOptions {
    /// The database `athens` behind this URL, as Athens has it, with the spool in `spool`: 30 seconds for an operation, 64
    /// connections, a day for a file.
    pub fn new(url: impl Into<String>, spool: impl Into<PathBuf>) -> Self {
        Self {
            url: url.into(),
            database: "athens".to_owned(),
            athens: Some("modules".to_owned()),
            spool: spool.into(),
            deadline: Duration::from_secs(30),
            connections: 64,
            abandoned: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl fmt::Debug for MongoOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoOptions")
            .field("database", &self.database)
            .field("athens", &self.athens)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}
