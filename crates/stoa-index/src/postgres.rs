//! An index in `PostgreSQL`, for several nodes.

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
    ($index:expr, $client:ident => $question:expr) => {
        $index
            .readers
            .in_time(async {
                let lease = $index.readers.lease().await?;
                let $client = &lease.client;
                let answer = $question.await?;
                lease.give_back();
                Ok(answer)
            })
            .await
    };
}

/// Does something on the connection that writes.
macro_rules! change {
    ($index:expr, $client:ident => $change:block) => {
        $index
            .writer
            .in_time(async {
                let lease = $index.writer.lease().await?;
                let $client = &lease.client;
                let done = $change;
                lease.give_back();
                Ok(done)
            })
            .await
    };
}

/// An index in a database of `PostgreSQL`, which several nodes share. It keeps to itself: its tables begin with `stoa_index_`.
///
/// Transactions that write follow one another, as each locks the one row of `stoa_index_meta` until its end: that is what
/// makes moments of commits increase. Moments are of the server's clock.
///
/// It has one connection that writes and two that read, made when they are needed. Every call ends in the time of
/// [`DatabaseOptions::timeout`], and what it had begun is undone; a server that was away is found again by the next call.
pub struct PostgresIndex {
    address: DatabaseAddress,
    writer: Connections<Link>,
    readers: Connections<Link>,
    tasks: TaskTracker,
}

impl PostgresIndex {
    /// Connects, and makes the tables if they are not there.
    ///
    /// # Errors
    /// [`IndexError::Unreachable`] if the server cannot be reached now, and the others of [`IndexError`] if it can.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, IndexError> {
        if options.address.system != System::Postgres {
            return Err(IndexError::BadAddress("it is not one of PostgreSQL".into()));
        }
        let tasks = TaskTracker::new();
        let link = Link::new(options, tasks.clone())?;
        let index = Self {
            address: options.address.clone(),
            writer: Connections::new(link.clone(), 1, options.timeout),
            readers: Connections::new(link, READERS, options.timeout),
            tasks,
        };
        change!(index, client => { schema::prepare(client).await? })?;
        Ok(index)
    }
}

impl fmt::Display for PostgresIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres")
    }
}

impl fmt::Debug for PostgresIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresIndex")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Index for PostgresIndex {
    async fn record(&self, events: &[IndexEvent]) -> Result<(), IndexError> {
        let targets = batch::targets(events)?;
        change!(self, client => {
            let mut batch = tables::begin_batch(client, &targets).await?;
            batch.apply(events);
            tables::commit_batch(client, &batch.changes()).await?;
        })
    }

    async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<Listed>, IndexError> {
        ask!(self, client => pages::since(client, since, limit))
    }

    async fn catalog(
        &self,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<ModuleVersion>, IndexError> {
        let page = ask!(self, client => pages::generations(client, after, limit))?;
        Ok(page.into_iter().map(|(target, _)| target).collect())
    }

    async fn get(&self, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError> {
        ask!(self, client => pages::get(client, target))
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
        ask!(self, client => pages::entries(client, &range, after, limit))
    }

    async fn by_use(&self, after: Option<&UseCursor>, limit: usize) -> Result<Vec<IndexEntry>, IndexError> {
        ask!(self, client => pages::by_use(client, after, limit))
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
        ask!(self, client => pages::modules(client, &range, after, limit))
    }

    async fn totals(&self) -> Result<Totals, IndexError> {
        Ok(ask!(self, client => tables::meta(client))?.totals)
    }

    async fn begin_rebuild(&self) -> Result<Rebuild, IndexError> {
        change!(self, client => {
            let meta = tables::begin(client).await?.0.rebuilding();
            tables::commit(client, Some(&meta)).await?;
            Rebuild(meta.generation)
        })
    }

    async fn end_rebuild(&self, rebuild: Rebuild) -> Result<(), IndexError> {
        let mut after: Option<ModuleVersion> = None;
        loop {
            let page = ask!(self, client => pages::generations(client, after.as_ref(), SWEEP))?;
            let (stale, next) = stale(page, rebuild);
            if !stale.is_empty() {
                change!(self, client => {
                    let mut batch = tables::begin_batch(client, &stale).await?;
                    batch.sweep(&stale, rebuild);
                    tables::commit_batch(client, &batch.changes()).await?;
                })?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        change!(self, client => {
            let meta = tables::begin(client).await?.0.complete();
            tables::commit(client, Some(&meta)).await?;
        })
    }

    async fn is_complete(&self) -> Result<bool, IndexError> {
        Ok(ask!(self, client => tables::meta(client))?.is_complete)
    }

    async fn check(&self) -> Result<(), IndexError> {
        ask!(self, client => tables::meta(client)).map(drop)
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
