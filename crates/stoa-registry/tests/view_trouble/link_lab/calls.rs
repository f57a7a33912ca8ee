//! What a registry was asked.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What a registry was asked, answered or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Heartbeats.
    pub(crate) registers: u64,
    /// Nodes taken out.
    pub(crate) deregisters: u64,
    /// Reads of a service.
    pub(crate) gets: u64,
    /// Reads of all names.
    pub(crate) lists: u64,
    /// Watches begun.
    pub(crate) watches: u64,
    /// Watches that are open now.
    pub(crate) open_watches: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) registers: AtomicU64,
    pub(crate) deregisters: AtomicU64,
    pub(crate) gets: AtomicU64,
    pub(crate) lists: AtomicU64,
    pub(crate) watches: AtomicU64,
    pub(crate) open_watches: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, SeqCst);
}

impl Counted {
    pub(crate) fn read(&self) -> Calls {
        Calls {
            registers: self.registers.load(SeqCst),
            deregisters: self.deregisters.load(SeqCst),
            gets: self.gets.load(SeqCst),
            lists: self.lists.load(SeqCst),
            watches: self.watches.load(SeqCst),
            open_watches: self.open_watches.load(SeqCst),
        }
    }
}
