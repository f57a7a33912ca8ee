//! An index in `MySQL` or `MariaDB`, for several nodes.

mod fault;
mod link;
mod pages;
mod schema;
mod tables;

use std::fmt;

use async_trait::async_trait;
use stoa_module::{ModulePath, ModuleVersion};
use tokio_util::task::TaskTracker;

use self::link::Link;
use crate::{
    EntryFilter, Index, IndexEntry, IndexError, IndexEvent, Listed, ModuleTotals, Rebuild, Timestamp, Totals,
    UseCursor, batch,
    database::{
        GOODBYE, READERS,
        address::{DatabaseAddress, System},
        connections::Connections,
        options::DatabaseOptions,
    },
    range::Range,
    sweep::{SWEEP, stale},
};

/// Asks something on a connection that reads.
macro_rules! ask {
    ($index:expr, $connection:ident => $question:expr) => {
        $index
            .readers
            .in_time(async {
                let mut lease = $index.readers.lease().await?;
                let $connection = &mut *lease;
                let answer = $question.await?;
                lease.give_back();
                Ok(answer)
            })
            .await
    };
}

/// Does something on the connection that writes.
macro_rules! change {
    ($index:expr, $connection:ident => $change:block) => {
        $index
            .writer
            .in_time(async {
                let mut lease = $index.writer.lease().await?;
                let $connection = &mut *lease;
                let done = $change;
                lease.give_back();
                Ok(done)
            })
            .await
    };
}

/// An index in a database of `MySQL` or `MariaDB`, which several nodes share. It keeps to itself: its tables begin with
/// `stoa_index_`.
///
/// Transactions that write follow one another, as each locks the one row of `stoa_index_meta` until its end: that is what
/// makes moments of commits increase. Moments are of the server's clock.
///
/// It has one connection that writes and two that read, made when they are needed. Every call ends in the time of
/// [`DatabaseOptions::timeout`], and what it had begun is undone; a server that was away is found again by the next call.
pub struct MysqlIndex {
    address: DatabaseAddress,
    writer: Connections<Link>,
    readers: Connections<Link>,
    tasks: TaskTracker,
}

impl MysqlIndex {
    /// Connects, and makes the tables if they are not there.
    ///
    /// # Errors
    /// [`IndexError::Unreachable`] if the server cannot be reached now, and the others of [`IndexError`] if it can.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, IndexError> {
        if options.address.system != System::Mysql {
            return Err(IndexError::BadAddress("it is not one of MySQL or MariaDB".into()));
        }
        let tasks = TaskTracker::new();
        let link = Link::new(options, tasks.clone())?;
        let index = Self {
            address: options.address.clone(),
            writer: Connections::new(link.clone(), 1, options.timeout),
            readers: Connections::new(link, READERS, options.timeout),
            tasks,
        };
        change!(index, connection => { schema::prepare(connection).await? })?;
        Ok(index)
    }
}

impl fmt::Display for MysqlIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mysql")
    }
}

impl fmt::Debug for MysqlIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlIndex")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Index for MysqlIndex {
    async fn record(&self, events: &[IndexEvent]) -> Result<(), IndexError> {
        let targets = batch::targets(events)?;
        change!(self, connection => {
            let mut batch = tables::begin_batch(connection, &targets).await?;
            batch.apply(events);
            tables::commit_batch(connection, &batch.changes()).await?;
        })
    }

    async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<Listed>, IndexError> {
        ask!(self, connection => pages::since(connection, since, limit))
    }

    async fn catalog(
        &self,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<ModuleVersion>, IndexError> {
        let page = ask!(self, connection => pages::generations(connection, after, limit))?;
        Ok(page.into_iter().map(|(target, _)| target).collect())
    }

    async fn get(&self, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError> {
        ask!(self, connection => pages::get(connection, target))
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
        ask!(self, connection => pages::entries(connection, &range, after, limit))
    }

    async fn by_use(&self, after: Option<&UseCursor>, limit: usize) -> Result<Vec<IndexEntry>, IndexError> {
        ask!(self, connection => pages::by_use(connection, after, limit))
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
        ask!(self, connection => pages::modules(connection, &range, after, limit))
    }

    async fn totals(&self) -> Result<Totals, IndexError> {
        Ok(ask!(self, connection => tables::meta(connection))?.totals)
    }

    async fn begin_rebuild(&self) -> Result<Rebuild, IndexError> {
        change!(self, connection => {
            let meta = tables::begin(connection).await?.0.rebuilding();
            tables::commit(connection, Some(&meta)).await?;
            Rebuild(meta.generation)
        })
    }

    async fn end_rebuild(&self, rebuild: Rebuild) -> Result<(), IndexError> {
        let mut after: Option<ModuleVersion> = None;
        loop {
            let page = ask!(self, connection => pages::generations(connection, after.as_ref(), SWEEP))?;
            let (stale, next) = stale(page, rebuild);
            if !stale.is_empty() {
                change!(self, connection => {
                    let mut batch = tables::begin_batch(connection, &stale).await?;
                    batch.sweep(&stale, rebuild);
                    tables::commit_batch(connection, &batch.changes()).await?;
                })?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        change!(self, connection => {
            let meta = tables::begin(connection).await?.0.complete();
            tables::commit(connection, Some(&meta)).await?;
        })
    }

    async fn is_complete(&self) -> Result<bool, IndexError> {
        Ok(ask!(self, connection => tables::meta(connection))?.is_complete)
    }

    async fn check(&self) -> Result<(), IndexError> {
        ask!(self, connection => tables::meta(connection)).map(drop)
    }

    async fn close(&self) {
        self.writer.close();
        self.readers.close();
        self.tasks.close();
        if tokio::time::timeout(2 * GOODBYE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("connections of the index are still in use");
        }
    }
}
