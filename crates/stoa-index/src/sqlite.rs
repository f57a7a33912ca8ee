//! An index in a file, for one node or for several processes of one machine.

mod fault;
mod pages;
mod schema;
mod tables;
mod thread;
mod writer;

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::Connection;
use rustix::fs::FlockOperation;
use stoa_module::{ModulePath, ModuleVersion};
use tokio::sync::oneshot;

use self::{
    fault::system,
    thread::Thread,
    writer::{Operation, Work},
};
use crate::{
    EntryFilter, Index, IndexEntry, IndexError, IndexEvent, Listed, ModuleTotals, Rebuild, Timestamp, Totals,
    UseCursor, batch,
    range::Range,
    sweep::{SWEEP, stale},
};

/// Something that reads the file.
type Read = Box<dyn FnOnce(&Connection) + Send>;

/// An index in a file of `SQLite`. Several processes of one machine may have it open.
///
/// Batches that come at the same time are committed together. Pages are read on a connection of their own and never wait for
/// what writes. A loss of power may take the last commits, which a rebuild finds again, and leaves the file whole
/// (`synchronous = NORMAL` in WAL mode).
///
/// Beside the file are those of `SQLite` (`-wal`, `-shm`), and an empty one (`-lock`) that says that it is in use. The file
/// cannot be on a disk of another machine.
pub struct SqliteIndex {
    path: PathBuf,
    writer: Thread<Operation>,
    reader: Thread<Read>,
    /// Keeps others from making the file anew, until the index is closed.
    in_use: Mutex<Option<File>>,
}

impl SqliteIndex {
    /// Opens the file at `path`, and makes it and its folder if they are not there, for their owner alone. It blocks for a
    /// moment.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if the file is none of `SQLite`, damaged, or of a later version:
    /// [`recreate`](Self::recreate) makes it anew. [`IndexError::BadAddress`] if it belongs to another program or cannot be
    /// there. In either case it is left as it is.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let in_use = schema::in_use(path, FlockOperation::NonBlockingLockShared)?;
        Self::open_in_use(path, in_use)
    }

    /// Makes an empty index in the place of the file at `path`, whatever it holds. A file that is not recognisably an index
    /// is renamed, with `-damaged` after its name; any other is removed. It blocks for a moment.
    ///
    /// # Errors
    /// [`IndexError::Unreachable`] if anybody has it open.
    pub fn recreate(path: &Path) -> Result<Self, IndexError> {
        let in_use = schema::in_use(path, FlockOperation::NonBlockingLockExclusive)?;
        schema::discard(path)?;
        rustix::fs::flock(&in_use, FlockOperation::NonBlockingLockShared)
            .map_err(|error| system("its lock cannot be given back", error.into()))?;
        Self::open_in_use(path, in_use)
    }

    fn open_in_use(path: &Path, in_use: File) -> Result<Self, IndexError> {
        let writing = schema::open_writer(path)?;
        tables::meta(&writing)?;
        let reading = schema::open_reader(path)?;
        let no_thread = |error| system("it has no thread", error);
        let writer = Thread::start("index-writer", move |operations| writer::run(writing, operations));
        let reader = Thread::start(
            "index-reader",
            move |mut reads: tokio::sync::mpsc::Receiver<Read>| {
                while let Some(read) = reads.blocking_recv() {
                    read(&reading);
                }
            },
        );
        Ok(Self {
            path: path.to_owned(),
            writer: writer.map_err(no_thread)?,
            reader: reader.map_err(no_thread)?,
            in_use: Mutex::new(Some(in_use)),
        })
    }

    async fn change(&self, work: Work) -> Result<i64, IndexError> {
        let (operation, answer) = Operation::new(work);
        self.writer.ask(operation, answer).await
    }

    async fn read<A: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<A, IndexError> + Send + 'static,
    ) -> Result<A, IndexError> {
        let (reply, answer) = oneshot::channel();
        let work = move |connection: &Connection| {
            // Whoever asked may be gone, and then nobody wants to know.
            if !reply.is_closed() {
                let _ = reply.send(read(connection));
            }
        };
        self.reader.ask(Box::new(work), answer).await
    }
}

impl fmt::Display for SqliteIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sqlite")
    }
}

impl fmt::Debug for SqliteIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteIndex")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Index for SqliteIndex {
    async fn record(&self, events: &[IndexEvent]) -> Result<(), IndexError> {
        let targets = batch::targets(events)?;
        let events = events.to_vec();
        let work = move |connection: &Connection| {
            let mut batch = tables::begin(connection, &targets)?;
            batch.apply(&events);
            tables::write(connection, &batch.changes()).map(|()| 0)
        };
        self.change(Box::new(work)).await.map(drop)
    }

    async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<Listed>, IndexError> {
        self.read(move |connection| pages::since(connection, since, limit))
            .await
    }

    async fn catalog(
        &self,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<ModuleVersion>, IndexError> {
        let after = after.cloned();
        self.read(move |connection| pages::catalog(connection, after.as_ref(), limit))
            .await
    }

    async fn get(&self, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError> {
        let target = target.clone();
        let row = self
            .read(move |connection| tables::version(connection, &target))
            .await?;
        Ok(row.map(|row| row.entry))
    }

    async fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, IndexError> {
        let Some(range) = Range::of(filter) else {
            return Ok(vec![]);
        };
        let after = after.cloned();
        self.read(move |connection| pages::entries(connection, &range, after.as_ref(), limit))
            .await
    }

    async fn by_use(&self, after: Option<&UseCursor>, limit: usize) -> Result<Vec<IndexEntry>, IndexError> {
        let after = after.cloned();
        self.read(move |connection| pages::by_use(connection, after.as_ref(), limit))
            .await
    }

    async fn modules(
        &self,
        prefix: &str,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModuleTotals>, IndexError> {
        let Some(range) = Range::of_prefix(prefix) else {
            return Ok(vec![]);
        };
        let after = after.cloned();
        self.read(move |connection| pages::modules(connection, &range, after.as_ref(), limit))
            .await
    }

    async fn totals(&self) -> Result<Totals, IndexError> {
        self.read(|connection| tables::meta(connection).map(|meta| meta.totals))
            .await
    }

    async fn begin_rebuild(&self) -> Result<Rebuild, IndexError> {
        let work = |connection: &Connection| {
            let meta = tables::meta(connection)?.rebuilding();
            tables::write_meta(connection, &meta).map(|()| meta.generation)
        };
        self.change(Box::new(work)).await.map(Rebuild)
    }

    async fn end_rebuild(&self, rebuild: Rebuild) -> Result<(), IndexError> {
        let mut after: Option<ModuleVersion> = None;
        loop {
            let page = self
                .read(move |connection| pages::generations(connection, after.as_ref(), SWEEP))
                .await?;
            let (stale, next) = stale(page, rebuild);
            if !stale.is_empty() {
                let work = move |connection: &Connection| {
                    let mut batch = tables::begin(connection, &stale)?;
                    batch.sweep(&stale, rebuild);
                    tables::write(connection, &batch.changes()).map(|()| 0)
                };
                self.change(Box::new(work)).await?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let work = |connection: &Connection| {
            let meta = tables::meta(connection)?.complete();
            tables::write_meta(connection, &meta).map(|()| 0)
        };
        self.change(Box::new(work)).await.map(drop)
    }

    async fn is_complete(&self) -> Result<bool, IndexError> {
        self.read(|connection| tables::meta(connection).map(|meta| meta.is_complete))
            .await
    }

    async fn check(&self) -> Result<(), IndexError> {
        self.read(|connection| tables::meta(connection).map(drop)).await
    }

    async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
        self.in_use.lock().take();
    }
}
