//! An index that may not be there yet.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_index::{
    EntryFilter, Index, IndexEntry, IndexError, IndexEvent, Listed, ModuleTotals, Rebuild, Timestamp, Totals,
    UseCursor,
};
use stoa_module::{ModulePath, ModuleVersion};
use tokio::{sync::OnceCell, time::Instant};

use super::opening::Opener;

/// After a try that failed, what is asked within this time fails with it: each try may take as long as a database may be silent.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// An index that is opened by the first question, and tried again later if that fails: a server starts while its database is
/// away, and with a disk that is full.
pub(super) struct LateIndex {
    open: Opener,
    opened: OnceCell<Arc<dyn Index>>,
    failed: Mutex<Option<(Instant, IndexError)>>,
}

impl LateIndex {
    /// The one that `open` opens.
    pub(super) fn new(open: Opener) -> Self {
        Self {
            open,
            opened: OnceCell::new(),
            failed: Mutex::new(None),
        }
    }

    async fn index(&self) -> Result<&Arc<dyn Index>, IndexError> {
        let open = || async {
            // Those who wait for a try that fails come here one after the other.
            if let Some((at, error)) = &*self.failed.lock()
                && at.elapsed() < AGAIN_AFTER
            {
                return Err(error.clone());
            }
            let opened = (self.open)().await;
            if let Err(error) = &opened {
                *self.failed.lock() = Some((Instant::now(), error.clone()));
            }
            opened
        };
        self.opened.get_or_try_init(open).await
    }
}

impl fmt::Display for LateIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.opened.get() {
            Some(index) => index.fmt(f),
            None => f.write_str("not opened yet"),
        }
    }
}

impl fmt::Debug for LateIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LateIndex({self})")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Index for LateIndex {
    async fn record(&self, events: &[IndexEvent]) -> Result<(), IndexError> {
        self.index().await?.record(events).await
    }

    async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<Listed>, IndexError> {
        self.index().await?.since(since, limit).await
    }

    async fn catalog(
        &self,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<ModuleVersion>, IndexError> {
        self.index().await?.catalog(after, limit).await
    }

    async fn get(&self, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError> {
        self.index().await?.get(target).await
    }

    async fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, IndexError> {
        self.index().await?.entries(filter, after, limit).await
    }

    async fn by_use(&self, after: Option<&UseCursor>, limit: usize) -> Result<Vec<IndexEntry>, IndexError> {
        self.index().await?.by_use(after, limit).await
    }

    async fn modules(
        &self,
        prefix: &str,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModuleTotals>, IndexError> {
        self.index().await?.modules(prefix, after, limit).await
    }

    async fn totals(&self) -> Result<Totals, IndexError> {
        self.index().await?.totals().await
    }

    async fn begin_rebuild(&self) -> Result<Rebuild, IndexError> {
        self.index().await?.begin_rebuild().await
    }

    async fn end_rebuild(&self, rebuild: Rebuild) -> Result<(), IndexError> {
        self.index().await?.end_rebuild(rebuild).await
    }

    async fn is_complete(&self) -> Result<bool, IndexError> {
        self.index().await?.is_complete().await
    }

    async fn check(&self) -> Result<(), IndexError> {
        self.index().await?.check().await
    }

    async fn close(&self) {
        if let Some(index) = self.opened.get() {
            index.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt as _;
    use stoa_index::{Fault, MemoryIndex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_index_that_was_away_is_found_and_not_tried_by_everybody() {
        let tries = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&tries);
        let index = LateIndex::new(Box::new(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                match number {
                    0 | 1 => Err(IndexError::Unreachable(Fault::new("not there"))),
                    _ => Ok(Arc::new(MemoryIndex::new(10)) as Arc<dyn Index>),
                }
            }
            .boxed()
        }));
        for _ in 0..5 {
            index.check().await.expect_err("away");
        }
        assert_eq!(tries.load(Ordering::Relaxed), 1);
        tokio::time::advance(AGAIN_AFTER).await;
        index.check().await.expect_err("still away");
        tokio::time::advance(AGAIN_AFTER).await;
        index.check().await.expect("back");
        index.check().await.expect("there");
        assert_eq!(tries.load(Ordering::Relaxed), 3);
    }
}
