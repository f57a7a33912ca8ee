//! A checksum database.

use std::sync::{Arc, Mutex, MutexGuard};

use stoa_sumdb::VerifierKey;

use crate::fixtures::ModuleFixture;
use crate::upstream::Upstream;

mod database;
mod misbehavior;

pub use misbehavior::SumMisbehavior;

use database::Database;

/// A checksum database on a port of 127.0.0.1, with a key of its own.
///
/// It has the records it was given, in that order, and answers as Go's own database does until a test makes it
/// [fail](SumDatabase::fail). The server is an [`Upstream`], whose scripts come before the database: one path can be
/// gated, refused or answered otherwise. Paths of this type are those of databases, such as `/latest`, without what
/// the database's URL begins with.
#[derive(Debug)]
pub struct SumDatabase {
    server: Upstream,
    /// What comes before every path: empty, or `/` and the path of the database's name.
    prefix: String,
    key: VerifierKey,
    database: Arc<Mutex<Database>>,
}

impl SumDatabase {
    /// A database without records, `sum.example.com`.
    pub fn start() -> Self {
        Self::named("sum.example.com")
    }

    /// A database without records of this name, which may have a path: `sum.example.com/some/db`. Then the URL has it
    /// too. Databases of one name have one key.
    pub fn named(name: &str) -> Self {
        let server = Upstream::start_blocking();
        let prefix = name
            .split_once('/')
            .map_or(String::new(), |(_, path)| format!("/{path}"));
        let database = Database::new(name);
        let key = database.key();
        let database = Arc::new(Mutex::new(database));
        let (answering, start) = (Arc::clone(&database), prefix.clone());
        server.answer_with(move |request| {
            let path = request.path.strip_prefix(&start).unwrap_or_default();
            answering.lock().unwrap().answer(path)
        });
        Self {
            server,
            prefix,
            key,
            database,
        }
    }

    /// The name, as its key has it.
    pub fn name(&self) -> String {
        self.key.name().to_string()
    }

    /// The key, `name+hash+base64`.
    pub fn key(&self) -> String {
        self.key.to_string()
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.prefix)
    }

    /// Key and URL as `GOSUMDB` and `sumdb.databases` have them: `name+hash+base64 URL`.
    pub fn gosumdb(&self) -> String {
        format!("{} {}", self.key, self.url())
    }

    /// Records a module version as it is.
    pub fn module(&self, fixture: &ModuleFixture) -> &Self {
        self.record(fixture.path(), fixture.version(), &fixture.go_sum())
    }

    /// Records several module versions.
    pub fn modules<'a>(&self, fixtures: impl IntoIterator<Item = &'a ModuleFixture>) -> &Self {
        fixtures.into_iter().for_each(|fixture| {
            self.module(fixture);
        });
        self
    }

    /// Records these go.sum lines, each with its newline, for a module version. What is recorded stays: a version
    /// cannot be recorded twice.
    pub fn record(&self, path: &str, version: &str, lines: &str) -> &Self {
        self.lock().record(path, version, lines);
        self
    }

    /// How many records there are.
    pub fn size(&self) -> u64 {
        self.lock().size()
    }

    /// Answers like this from now on, in place of any other way.
    pub fn fail(&self, misbehavior: SumMisbehavior) -> &Self {
        self.lock().fail(misbehavior);
        self
    }

    /// Takes back [`SumDatabase::fail`]. Connections that hang go on hanging.
    pub fn recover(&self) -> &Self {
        self.lock().recover();
        self
    }

    /// Stops listening and cuts every connection. When it returns, connections are refused.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Listens again where it did, with the same records.
    pub fn restart_same_port(&self) {
        self.server.restart_same_port();
    }

    /// The paths of all requests so far, in the order they came.
    pub fn requests(&self) -> Vec<String> {
        let relative = |path: &str| path.strip_prefix(&self.prefix).unwrap_or(path).to_owned();
        let requests = self.server.requests();
        requests.iter().map(|request| relative(&request.path)).collect()
    }

    /// How many requests for this path have come.
    pub fn count(&self, path: &str) -> usize {
        self.server.count(&self.path(path))
    }

    /// How many requests have come whose paths start like this: `/lookup/`, `/tile/`.
    pub fn count_below(&self, start: &str) -> usize {
        let requests = self.requests();
        requests.iter().filter(|path| path.starts_with(start)).count()
    }

    /// A path as the [server](SumDatabase::server) has it.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The server, for scripts, gates, and waiting.
    pub fn server(&self) -> &Upstream {
        &self.server
    }

    fn lock(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap()
    }
}
