//! What writes to the file.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::fault::meaning;
use crate::IndexError;

/// How many operations are committed together.
const MAX_GROUP: usize = 64;

/// Changes the file within a transaction, and returns a number that means something to who asked. It may be done again when
/// the transaction was undone.
pub(super) type Work = Box<dyn FnMut(&Connection) -> Result<i64, IndexError> + Send>;

/// Something that changes the file, and is answered when it is committed.
pub(super) struct Operation {
    work: Work,
    reply: oneshot::Sender<Result<i64, IndexError>>,
}

impl Operation {
    pub(super) fn new(work: Work) -> (Self, oneshot::Receiver<Result<i64, IndexError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { work, reply }, answer)
    }

    fn answer(self, result: Result<i64, IndexError>) {
        // Whoever asked may be gone; the change stays.
        let _ = self.reply.send(result);
    }
}

/// Does what comes in, until nothing more can: all that waits in one transaction.
pub(super) fn run(connection: Connection, mut operations: mpsc::Receiver<Operation>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while let Some(operation) = operations.blocking_recv() {
        group.push(operation);
        while group.len() < MAX_GROUP
            && let Ok(operation) = operations.try_recv()
        {
            group.push(operation);
        }
        if let Ok(results) = commit(&connection, &mut group) {
            for (operation, result) in group.drain(..).zip(results) {
                operation.answer(Ok(result));
            }
            continue;
        }
        // One of them failed. The others are none the worse for it.
        for mut operation in group.drain(..) {
            let result = commit(&connection, std::slice::from_mut(&mut operation));
            if let Err(error) = &result {
                tracing::warn!(%error, "the index could not be written");
            }
            operation.answer(result.map(|numbers| numbers.first().copied().unwrap_or_default()));
        }
    }
    // The last one to close makes the file whole in itself; it is no loss if that fails.
    if let Err((_, error)) = connection.close() {
        tracing::debug!(%error, "the index was not closed well");
    }
}

fn commit(connection: &Connection, group: &mut [Operation]) -> Result<Vec<i64>, IndexError> {
    let execute = |sql: &str| {
        let mut statement = connection.prepare_cached(sql).map_err(meaning)?;
        statement.execute([]).map_err(meaning)
    };
    execute("BEGIN IMMEDIATE")?;
    let done: Result<Vec<_>, _> = group
        .iter_mut()
        .map(|operation| (operation.work)(connection))
        .collect();
    let done = done.and_then(|results| execute("COMMIT").map(|_| results));
    if done.is_err()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction of the index could not be undone");
    }
    done
}
