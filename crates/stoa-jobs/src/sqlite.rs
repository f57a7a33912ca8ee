//! Jobs in a file, for one node or for several processes of one machine.

mod columns;
mod fault;
mod file_clock;
mod lanes;
mod ledger;
mod pages;
mod rows;
mod schema;
mod tables;
mod thread;
mod watcher;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::Connection;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

pub use self::file_clock::{Machine, MachineTime};
use self::{
    fault::{meaning, system},
    file_clock::FileClock,
    thread::Thread,
    watcher::{Seen, Watcher},
    writer::{Call, Change, Operation, Writer},
};
use crate::{
    Acted, Action, Aggregation, AggregationKey, AggregationSettings, Claim, Claimed, Counts, Event, EventId,
    Finished, Job, JobId, JobPage, JobQuery, Kept, Lease, NewJob, Outcome, Random, Renewal, Renewed, Rules,
    Signals, Store, StoreError, Submitted, SystemRandom,
};

/// Something that reads the file.
type Read = Box<dyn FnOnce(&Connection) + Send>;

/// What a store in a file is made with.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// What becomes of jobs.
    pub rules: Rules,
    /// Where ids come from.
    pub random: Arc<dyn Random>,
    /// Where the time comes from.
    pub machine: Arc<dyn MachineTime>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            random: Arc::new(SystemRandom),
            machine: Arc::new(Machine),
        }
    }
}

/// A store in a file of `SQLite`. Several processes of one machine may have it open; limits hold for all of them together, and
/// each is woken by what the others do.
///
/// What a call has returned as done is on the disk. Calls that come at the same time become durable together, so that many
/// of them cost little more than one. Reads for people go beside the writes and delay none.
///
/// Beside the file are those of `SQLite` (`-wal`, `-shm`), and an empty one (`-wake`) by which processes wake one another. On
/// systems other than Linux they look for changes every second instead. The file cannot be on a disk of another machine.
///
/// The time is that of the file ([`MachineTime`]): setting the clock of the machine changes no lease.
pub struct SqliteStore {
    path: PathBuf,
    writer: Thread<Box<dyn Operation>>,
    reader: Thread<Read>,
    watcher: Watcher,
    seen: Arc<Seen>,
}

impl SqliteStore {
    /// Opens the file at `path`, and makes it and its folder if they are not there, for their owner alone. It blocks for a
    /// moment.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the file is no store of jobs, or one of a later version, or may not be used; the text says
    /// what to do. Such a file is left as it is.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let bell = schema::prepare(path)?;
        let connection = schema::open_writer(path)?;
        let clock = schema::in_transaction(&connection, "BEGIN IMMEDIATE", |connection| {
            FileClock::of(connection, &*options.machine)
        })?;
        let seen = Arc::new(Seen::new(bell, &connection)?);
        let reading = schema::open_reader(path)?;
        let watcher = Watcher::start(path, seen.clone())?;
        seen.unlock()?;
        let writer = Writer {
            connection,
            rules: options.rules,
            random: options.random,
            machine: options.machine,
            clock,
            seen: seen.clone(),
        };
        let no_thread = |error| system("it has no thread", error);
        let writer =
            Thread::start("jobs-writer", move |operations| writer.run(operations)).map_err(no_thread)?;
        let reader = Thread::start(
            "jobs-reader",
            move |mut reads: tokio::sync::mpsc::Receiver<Read>| {
                while let Some(read) = reads.blocking_recv() {
                    read(&reading);
                }
            },
        );
        Ok(Self {
            path: path.to_owned(),
            writer,
            reader: reader.map_err(no_thread)?,
            watcher,
            seen,
        })
    }

    async fn change<A: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Change<'_, '_>) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        let (call, answer) = Call::new(change);
        self.writer.ask(Box::new(call), answer).await
    }

    /// Reads what one commit has left.
    async fn read<A: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = move |connection: &Connection| {
            let snapshot = connection.unchecked_transaction().map_err(meaning);
            let result = snapshot.and_then(|snapshot| read(&snapshot));
            // Whoever asked may be gone.
            let _ = reply.send(result);
        };
        self.reader.ask(Box::new(work), answer).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for SqliteStore {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.change(move |change| change.submit(jobs)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let claim = claim.clone();
        self.change(move |change| change.claim(&claim)).await
    }

    async fn renew(&self, renewals: &[Renewal], lease: Duration) -> Result<Vec<Renewed>, StoreError> {
        let renewals = renewals.to_vec();
        self.change(move |change| {
            renewals
                .iter()
                .map(|renewal| change.renew(renewal, lease))
                .collect()
        })
        .await
    }

    async fn finish(
        &self,
        id: &JobId,
        lease: &Lease,
        outcome: Outcome,
        notes: Map<String, Value>,
    ) -> Result<Finished, StoreError> {
        let (id, lease) = (id.clone(), lease.clone());
        self.change(move |change| change.finish(&id, &lease, outcome, notes))
            .await
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is for one lifetime only"
    )]
    async fn keep_house(&self) -> Result<Kept, StoreError> {
        self.change(|change| change.keep_house()).await
    }

    async fn act(&self, id: &JobId, action: Action) -> Result<Acted, StoreError> {
        let id = id.clone();
        self.change(move |change| change.act(&id, action)).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        let id = id.clone();
        self.read(move |connection| pages::job(connection, &id)).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        let query = query.clone();
        self.read(move |connection| pages::jobs(connection, &query)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(pages::counts).await
    }

    async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        let after = after.cloned();
        self.read(move |connection| pages::aggregations(connection, after.as_ref(), limit))
            .await
    }

    async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        let key = key.clone();
        self.read(move |connection| pages::aggregation(connection, &key))
            .await
    }

    async fn set_aggregation(
        &self,
        key: &AggregationKey,
        settings: Option<AggregationSettings>,
    ) -> Result<(), StoreError> {
        let key = key.clone();
        self.change(move |change| change.set_aggregation(&key, settings))
            .await
    }

    async fn events(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| pages::events(connection, after, limit))
            .await
    }

    async fn last_event(&self) -> Result<EventId, StoreError> {
        self.read(pages::last_event).await
    }

    fn signals(&self) -> Signals {
        self.seen.signals()
    }

    async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
        self.watcher.close().await;
    }
}
