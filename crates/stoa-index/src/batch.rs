//! What becomes of an index when something happened: the rules that all adapters share.
//!
//! An adapter loads what a batch is about, lets the batch change it, and writes what has changed, all in one transaction.
//! Transactions of one index follow one another, as each holds what is kept once ([`Meta`]) until its end.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use stoa_module::{ModulePath, ModuleVersion};

use crate::{
    IndexError, IndexEvent, MAX_BATCH, ModuleTotals, Rebuild, Stored, Timestamp,
    event::has_room,
    row::{Meta, Row},
};

/// Something as it was, and as it is now.
#[derive(Debug)]
struct Slot<T> {
    before: Option<T>,
    now: Option<T>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            before: None,
            now: None,
        }
    }
}

impl<T: Clone> Slot<T> {
    fn loaded(value: T) -> Self {
        Self {
            before: Some(value.clone()),
            now: Some(value),
        }
    }
}

/// Changes of an index that belong together.
#[derive(Debug)]
pub(crate) struct Batch {
    now: Timestamp,
    before: Meta,
    meta: Meta,
    rows: HashMap<ModuleVersion, Slot<Row>>,
    modules: HashMap<ModulePath, Slot<ModuleTotals>>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) rows: Vec<Row>,
    /// Those of which a rebuild has only found that they are as they were: that is what nearly all are, and costs an index
    /// of the database nothing.
    pub(crate) rows_found: Vec<ModuleVersion>,
    /// What is written of these.
    pub(crate) generation: i64,
    pub(crate) rows_gone: Vec<ModuleVersion>,
    pub(crate) modules: Vec<ModuleTotals>,
    pub(crate) modules_gone: Vec<ModulePath>,
    /// None if it is as it was.
    pub(crate) meta: Option<Meta>,
}

/// What is to be loaded for events, each once; an error if they are too many.
pub(crate) fn targets(events: &[IndexEvent]) -> Result<Vec<ModuleVersion>, IndexError> {
    if events.len() > MAX_BATCH {
        return Err(IndexError::TooMany {
            len: events.len(),
            max: MAX_BATCH,
        });
    }
    let mut seen = HashSet::new();
    let targets = events
        .iter()
        .map(IndexEvent::target)
        .filter(|target| has_room(target));
    Ok(targets.filter(|target| seen.insert(*target)).cloned().collect())
}

/// The modules of versions, each once.
pub(crate) fn modules_of(targets: &[ModuleVersion]) -> Vec<ModulePath> {
    let mut seen = HashSet::new();
    let modules = targets.iter().map(ModuleVersion::path);
    modules.filter(|module| seen.insert(*module)).cloned().collect()
}

impl Batch {
    /// A batch that begins at the moment `now` by the clock of the index, with what there is of all that it is about.
    pub(crate) fn new(now: Timestamp, meta: Meta, rows: Vec<Row>, modules: Vec<ModuleTotals>) -> Self {
        let row = |row: Row| (row.entry.target.clone(), Slot::loaded(row));
        let module = |totals: ModuleTotals| (totals.module.clone(), Slot::loaded(totals));
        Self {
            now,
            before: meta,
            meta,
            rows: rows.into_iter().map(row).collect(),
            modules: modules.into_iter().map(module).collect(),
        }
    }

    /// Something happened, in this order.
    pub(crate) fn apply(&mut self, events: &[IndexEvent]) {
        for event in events {
            self.apply_one(event);
        }
    }

    fn apply_one(&mut self, event: &IndexEvent) {
        let target = event.target();
        if !has_room(target) {
            tracing::warn!(
                module_bytes = target.path().as_str().len(),
                version_bytes = target.version().as_str().len(),
                "the index has no room for names as long as that of a version"
            );
            return;
        }
        let known = self.rows.get(target).and_then(|slot| slot.now.clone());
        let changed = match (event, known) {
            (IndexEvent::Stored(stored), known) => Some(self.store(stored, known)),
            (IndexEvent::Used { at, .. }, Some(mut row)) => {
                row.entry.last_use = row.entry.last_use.max(Some(*at));
                Some(row)
            }
            (IndexEvent::Removed { kind, .. }, Some(mut row)) => {
                row.remove(*kind);
                (row.entry.files().0 > 0).then_some(row)
            }
            (IndexEvent::Used { .. } | IndexEvent::Removed { .. }, None) => return,
        };
        let changed = changed.map(|row| self.touch(row));
        self.put(target, changed);
    }

    fn store(&mut self, stored: &Stored, known: Option<Row>) -> Row {
        let mut row = known.unwrap_or_else(|| {
            let first_seen = stored.found.unwrap_or_else(|| self.meta.tick(self.now));
            Row::new(stored.target.clone(), first_seen)
        });
        row.store(stored);
        row
    }

    /// Notes that something was recorded of a version, and lists it or not.
    fn touch(&mut self, mut row: Row) -> Row {
        row.generation = self.meta.generation;
        row.entry.listed = match (row.is_to_be_listed(), row.entry.listed) {
            (true, None) => Some(self.meta.tick(self.now)),
            (true, listed) => listed,
            (false, _) => None,
        };
        row
    }

    /// Versions go if nothing was recorded of them since a rebuild began.
    pub(crate) fn sweep(&mut self, targets: &[ModuleVersion], rebuild: Rebuild) {
        for target in targets {
            let row = self.rows.get(target).and_then(|slot| slot.now.as_ref());
            if row.is_some_and(|row| row.generation < rebuild.0) {
                self.put(target, None);
            }
        }
    }

    /// Sets a row, and counts it in its module and in all.
    fn put(&mut self, target: &ModuleVersion, row: Option<Row>) {
        let count = |row: Option<&Row>| {
            let (files, bytes) = row.map(|row| row.entry.files()).unwrap_or_default();
            (u64::from(row.is_some()), files, bytes)
        };
        let last_use = row.as_ref().and_then(|row| row.entry.last_use);
        let slot = self.rows.entry(target.clone()).or_default();
        let (less, more) = (count(slot.now.as_ref()), count(row.as_ref()));
        slot.now = row;

        let module = self.modules.entry(target.path().clone()).or_default();
        let mut totals = module.now.take().unwrap_or_else(|| ModuleTotals {
            module: target.path().clone(),
            versions: 0,
            bytes: 0,
            last_use: None,
        });
        let had_versions = totals.versions > 0;
        change(&mut totals.versions, less.0, more.0);
        change(&mut totals.bytes, less.2, more.2);
        totals.last_use = totals.last_use.max(last_use);
        let all = &mut self.meta.totals;
        change(
            &mut all.modules,
            had_versions.into(),
            (totals.versions > 0).into(),
        );
        change(&mut all.versions, less.0, more.0);
        change(&mut all.files, less.1, more.1);
        change(&mut all.bytes, less.2, more.2);
        module.now = Some(totals).filter(|totals| totals.versions > 0);
    }

    /// What is to be written.
    pub(crate) fn changes(self) -> Changes {
        let mut changes = Changes {
            generation: self.meta.generation,
            meta: (self.meta != self.before).then_some(self.meta),
            ..Changes::default()
        };
        for (target, slot) in self.rows {
            match slot.now {
                Some(row) if slot.before.as_ref() == Some(&row) => {}
                Some(row)
                    if slot
                        .before
                        .as_ref()
                        .is_some_and(|before| before.entry == row.entry) =>
                {
                    changes.rows_found.push(target);
                }
                Some(row) => changes.rows.push(row),
                None if slot.before.is_some() => changes.rows_gone.push(target),
                _ => {}
            }
        }
        for (module, slot) in self.modules {
            match slot.now {
                Some(totals) if slot.before.as_ref() != Some(&totals) => changes.modules.push(totals),
                None if slot.before.is_some() => changes.modules_gone.push(module),
                _ => {}
            }
        }
        changes
    }
}

/// Takes `less` away from a sum, and adds `more`. A sum that was wrong stays a number.
fn change(sum: &mut u64, less: u64, more: u64) {
    *sum = sum.saturating_sub(less).saturating_add(more);
}
