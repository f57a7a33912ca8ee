//! An index in memory, for tests.

use std::{collections::BTreeMap, fmt, ops::Bound, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_module::{ModulePath, ModuleVersion};

use crate::{
    EntryFilter, Index, IndexEntry, IndexError, IndexEvent, Listed, MAX_PAGE, ModuleTotals, Rebuild,
    Timestamp, Totals, UseCursor,
    batch::{self, Batch, Changes},
    range::Range,
    row::{Key, Meta, Row},
};

/// An index in memory, for tests and for those who need none that lasts. It holds so many versions and no more, and some of its
/// pages look through all of them.
#[derive(Clone)]
pub struct MemoryIndex {
    contents: Arc<Mutex<Contents>>,
    max_versions: u64,
}

#[derive(Default)]
struct Contents {
    rows: BTreeMap<Key, Row>,
    modules: BTreeMap<ModulePath, ModuleTotals>,
    meta: Meta,
    is_closed: bool,
}

impl Contents {
    fn begin(&self, targets: &[ModuleVersion]) -> Batch {
        let row = |target: &ModuleVersion| self.rows.get(&Key(target.clone())).cloned();
        let rows = targets.iter().filter_map(row).collect();
        let modules = batch::modules_of(targets);
        let modules = modules
            .iter()
            .filter_map(|module| self.modules.get(module).cloned());
        Batch::new(SystemTime::now().into(), self.meta, rows, modules.collect())
    }

    fn write(&mut self, changes: Changes) {
        for target in changes.rows_gone {
            self.rows.remove(&Key(target));
        }
        for row in changes.rows {
            self.rows.insert(Key(row.entry.target.clone()), row);
        }
        for target in changes.rows_found {
            if let Some(row) = self.rows.get_mut(&Key(target)) {
                row.generation = changes.generation;
            }
        }
        for module in changes.modules_gone {
            self.modules.remove(&module);
        }
        for totals in changes.modules {
            self.modules.insert(totals.module.clone(), totals);
        }
        self.meta = changes.meta.unwrap_or(self.meta);
    }

    fn after(&self, after: Option<&ModuleVersion>) -> impl Iterator<Item = &IndexEntry> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(Key(after.clone())));
        self.rows
            .range((from, Bound::Unbounded))
            .map(|(_, row)| &row.entry)
    }
}

impl MemoryIndex {
    /// An empty one that holds at most `max_versions`. Clones are further handles to it.
    pub fn new(max_versions: u64) -> Self {
        Self {
            contents: Arc::default(),
            max_versions,
        }
    }

    fn open<A>(&self, work: impl FnOnce(&mut Contents) -> Result<A, IndexError>) -> Result<A, IndexError> {
        let mut contents = self.contents.lock();
        if contents.is_closed {
            return Err(IndexError::Closed);
        }
        work(&mut contents)
    }
}

impl fmt::Display for MemoryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

impl fmt::Debug for MemoryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryIndex")
            .field("max_versions", &self.max_versions)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Index for MemoryIndex {
    async fn record(&self, events: &[IndexEvent]) -> Result<(), IndexError> {
        let targets = batch::targets(events)?;
        self.open(|contents| {
            let mut batch = contents.begin(&targets);
            batch.apply(events);
            let changes = batch.changes();
            if changes
                .meta
                .is_some_and(|meta| meta.totals.versions > self.max_versions)
            {
                return Err(IndexError::Full("it holds as many versions as it may".into()));
            }
            contents.write(changes);
            Ok(())
        })
    }

    async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<Listed>, IndexError> {
        self.open(|contents| {
            let listed = |row: &Row| {
                let at = row.entry.listed.filter(|at| *at >= since)?;
                let target = row.entry.target.clone();
                Some(Listed { target, at })
            };
            let mut found: Vec<_> = contents.rows.values().filter_map(listed).collect();
            found.sort_unstable_by_key(|listed| listed.at);
            found.truncate(limit.min(MAX_PAGE));
            Ok(found)
        })
    }

    async fn catalog(
        &self,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<ModuleVersion>, IndexError> {
        self.open(|contents| {
            let targets = contents.after(after).map(|entry| entry.target.clone());
            Ok(targets.take(limit.min(MAX_PAGE)).collect())
        })
    }

    async fn get(&self, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError> {
        self.open(|contents| {
            Ok(contents
                .rows
                .get(&Key(target.clone()))
                .map(|row| row.entry.clone()))
        })
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
        self.open(|contents| {
            let entries = contents.after(after);
            let entries = entries
                .filter(|entry| range.contains(entry.target.path().as_str()))
                .cloned();
            Ok(entries.take(limit.min(MAX_PAGE)).collect())
        })
    }

    async fn by_use(&self, after: Option<&UseCursor>, limit: usize) -> Result<Vec<IndexEntry>, IndexError> {
        self.open(|contents| {
            let after = after.map(|cursor| (cursor.used, Key(cursor.target.clone())));
            let keys = contents
                .rows
                .iter()
                .map(|(key, row)| (row.entry.used(), key.clone()));
            let mut keys: Vec<_> = keys
                .filter(|key| after.as_ref().is_none_or(|after| key > after))
                .collect();
            keys.sort_unstable();
            keys.truncate(limit.min(MAX_PAGE));
            Ok(keys
                .iter()
                .map(|(_, key)| contents.rows[key].entry.clone())
                .collect())
        })
    }

    async fn modules(
        &self,
        prefix: &str,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModuleTotals>, IndexError> {
        self.open(|contents| {
            let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.clone()));
            let modules = contents
                .modules
                .range((from, Bound::Unbounded))
                .map(|(_, totals)| totals);
            let modules = modules.filter(|totals| totals.module.as_str().starts_with(prefix));
            Ok(modules.take(limit.min(MAX_PAGE)).cloned().collect())
        })
    }

    async fn totals(&self) -> Result<Totals, IndexError> {
        self.open(|contents| Ok(contents.meta.totals))
    }

    async fn begin_rebuild(&self) -> Result<Rebuild, IndexError> {
        self.open(|contents| {
            contents.meta = contents.meta.rebuilding();
            Ok(Rebuild(contents.meta.generation))
        })
    }

    async fn end_rebuild(&self, rebuild: Rebuild) -> Result<(), IndexError> {
        self.open(|contents| {
            let targets: Vec<_> = contents.rows.keys().map(|key| key.0.clone()).collect();
            let mut batch = contents.begin(&targets);
            batch.sweep(&targets, rebuild);
            contents.write(batch.changes());
            contents.meta = contents.meta.complete();
            Ok(())
        })
    }

    async fn is_complete(&self) -> Result<bool, IndexError> {
        self.open(|contents| Ok(contents.meta.is_complete))
    }

    async fn check(&self) -> Result<(), IndexError> {
        self.open(|_| Ok(()))
    }

    async fn close(&self) {
        self.contents.lock().is_closed = true;
    }
}
