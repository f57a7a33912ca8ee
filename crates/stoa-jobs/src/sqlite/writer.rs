//! What writes to the file.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    fault::meaning,
    file_clock::{FileClock, MachineTime},
    tables::Tables,
    watcher::Seen,
};
use crate::{Random, Rules, StoreError, Transaction, Wake};

/// How many operations become durable together.
const MAX_GROUP: usize = 256;

/// The transaction that an operation gets.
pub(super) type Change<'a, 'c> = Transaction<'a, Tables<'c>>;

/// Something that changes the file, and is answered when the change is durable.
pub(super) trait Operation: Send {
    /// Does it, within a transaction. What it returns as an error is undone.
    fn run(&mut self, change: &mut Change<'_, '_>) -> Result<(), StoreError>;

    /// Tells who asked for it, after the commit or when there was none.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// An operation made of a function.
pub(super) struct Call<F, A> {
    work: Option<F>,
    result: Option<Result<A, StoreError>>,
    reply: oneshot::Sender<Result<A, StoreError>>,
}

impl<F, A> Call<F, A> {
    pub(super) fn new(work: F) -> (Self, oneshot::Receiver<Result<A, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (
            Self {
                work: Some(work),
                result: None,
                reply,
            },
            answer,
        )
    }
}

impl<F, A> Operation for Call<F, A>
where
    F: FnOnce(&mut Change<'_, '_>) -> Result<A, StoreError> + Send,
    A: Send,
{
    fn run(&mut self, change: &mut Change<'_, '_>) -> Result<(), StoreError> {
        let work = self.work.take().ok_or(StoreError::Closed)?;
        // What ends is told by code of the application (Callbacks): its panics are the failure of one operation.
        let result =
            catch_unwind(AssertUnwindSafe(|| work(change))).unwrap_or_else(|panic| Err(panicked(&*panic)));
        let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.result = Some(result);
        outcome
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(Ok(answer)), Ok(())) => Ok(answer),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        // Whoever asked may be gone; the change stays.
        let _ = self.reply.send(result);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> StoreError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a change of the job store ended in a panic");
    StoreError::away("the change ended in a panic")
}

/// What writes to the file: it makes all changes that wait durable together, with one sync of the disk.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) rules: Rules,
    pub(super) random: Arc<dyn Random>,
    pub(super) machine: Arc<dyn MachineTime>,
    pub(super) clock: FileClock,
    pub(super) seen: Arc<Seen>,
}

impl Writer {
    /// Does what comes in, until nothing more can.
    pub(super) fn run(self, mut operations: mpsc::Receiver<Box<dyn Operation>>) {
        let mut group = Vec::with_capacity(MAX_GROUP);
        while let Some(operation) = operations.blocking_recv() {
            group.push(operation);
            while group.len() < MAX_GROUP
                && let Ok(operation) = operations.try_recv()
            {
                group.push(operation);
            }
            let committed = self.commit(&mut group);
            if let Err(error) = &committed {
                tracing::warn!(%error, cause = std::error::Error::source(error), "the job store could not be written");
            }
            for operation in group.drain(..) {
                operation.answer(committed.clone());
            }
        }
        // The last one to close makes the file whole in itself; it is no loss if that fails.
        if let Err((_, error)) = self.connection.close() {
            tracing::debug!(%error, "the job store was not closed well");
        }
    }

    fn commit(&self, group: &mut [Box<dyn Operation>]) -> Result<(), StoreError> {
        let execute = |sql: &str| {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute([]))
                .map_err(meaning)
        };
        execute("BEGIN IMMEDIATE")?;
        match self.change(group, &execute) {
            Ok((wake, signals)) => {
                if let Err(error) = execute("COMMIT") {
                    self.roll_back();
                    return Err(error);
                }
                self.seen.fire(wake, signals);
                Ok(())
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    /// Does a group of operations, each of which fails by itself. An error is the failure of all of them.
    fn change(
        &self,
        group: &mut [Box<dyn Operation>],
        execute: &impl Fn(&str) -> Result<usize, StoreError>,
    ) -> Result<(Wake, [u64; 3]), StoreError> {
        let now = self.clock.now(&*self.machine);
        let before = self.connection.total_changes();
        let mut tables = Tables::begin(&self.connection, &self.rules)?;
        let mut wake = Wake::default();
        for operation in group {
            execute("SAVEPOINT operation")?;
            let volatile = tables.volatile;
            let mut transaction = Transaction::new(&mut tables, &self.rules, &*self.random, now);
            let done = operation.run(&mut transaction);
            let woken = transaction.wake();
            match done {
                Ok(()) => wake = wake.and(woken),
                Err(error) if self.connection.is_autocommit() => return Err(error),
                Err(_) => {
                    execute("ROLLBACK TO operation")?;
                    tables.volatile = volatile;
                }
            }
            execute("RELEASE operation")?;
        }
        if self.connection.total_changes() != before || wake.is_any() {
            tables.end(wake, now)?;
        }
        Ok((wake, tables.volatile.signals))
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction of the job store could not be undone");
        }
    }
}
