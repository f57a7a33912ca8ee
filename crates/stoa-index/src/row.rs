//! What is kept of a version and of a module, and what is kept once.

use std::cmp::Ordering;

use stoa_module::{ModuleVersion, dirhash::H1};

use crate::{FileKind, IndexEntry, Stored, Timestamp, Totals};

/// What counts as the size of a larger file, so that the sums of many stay numbers.
const MAX_SIZE: u64 = (1 << 48) - 1;

/// What is kept of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) entry: IndexEntry,
    /// The last rebuild that had begun when something was recorded of it.
    pub(crate) generation: i64,
}

/// What is kept once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The latest moment that was given away.
    pub(crate) last: Timestamp,
    /// How many rebuilds have begun.
    pub(crate) generation: i64,
    pub(crate) is_complete: bool,
    pub(crate) totals: Totals,
}

impl Meta {
    /// A moment that is later than all before it: now, or the next after the last.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.last = now.max(self.last.next());
        self.last
    }

    /// As it is when one more rebuild begins.
    pub(crate) fn rebuilding(mut self) -> Self {
        self.generation += 1;
        self.is_complete = false;
        self
    }

    /// As it is when a rebuild has ended.
    pub(crate) fn complete(mut self) -> Self {
        self.is_complete = true;
        self
    }
}

impl Row {
    /// A version of which nothing is stored yet.
    pub(crate) fn new(target: ModuleVersion, first_seen: Timestamp) -> Self {
        let entry = IndexEntry {
            target,
            info: None,
            go_mod: None,
            zip: None,
            go_mod_h1: None,
            zip_h1: None,
            origin: None,
            verified_by: None,
            first_seen,
            listed: None,
            last_use: None,
        };
        Self { entry, generation: 0 }
    }

    /// A file is there.
    pub(crate) fn store(&mut self, stored: &Stored) {
        let entry = &mut self.entry;
        let size = Some(stored.size.min(MAX_SIZE));
        match stored.kind {
            FileKind::Info => entry.info = size,
            FileKind::Mod => {
                entry.go_mod_h1 = hash(stored, size == entry.go_mod, entry.go_mod_h1);
                entry.go_mod = size;
            }
            FileKind::Zip => {
                entry.zip_h1 = hash(stored, size == entry.zip, entry.zip_h1);
                entry.zip = size;
            }
        }
        if stored.found.is_none() {
            entry.origin = stored.origin.clone().or(entry.origin.take());
            entry.verified_by = stored.verified_by.clone().or(entry.verified_by.take());
        }
    }

    /// A file is gone.
    pub(crate) fn remove(&mut self, kind: FileKind) {
        let entry = &mut self.entry;
        match kind {
            FileKind::Info => entry.info = None,
            FileKind::Mod => (entry.go_mod, entry.go_mod_h1) = (None, None),
            FileKind::Zip => (entry.zip, entry.zip_h1) = (None, None),
        }
    }

    /// Whether its files make it one that is listed in the order in which versions came.
    pub(crate) fn is_to_be_listed(&self) -> bool {
        self.entry.info.is_some() || self.entry.zip.is_some()
    }
}

/// The hash after a file was stored: one that is known stays until another one is, or until the file is another one.
fn hash(stored: &Stored, has_same_size: bool, known: Option<H1>) -> Option<H1> {
    stored.h1.or(known.filter(|_| has_same_size))
}

/// A version in the order of the texts, which is the same in every database. That of [`ModuleVersion`] itself is by precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) ModuleVersion);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let module = self.0.path().as_str().cmp(other.0.path().as_str());
        module.then_with(|| self.0.version().as_str().cmp(other.0.version().as_str()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
