//! What is known of one service, for many readers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

use crate::{Listing, RegistryError, Seen, ServiceName, Snapshot, Source};

/// What is known of one service. One task writes it, and any number of readers read without a lock.
#[derive(Debug)]
pub(crate) struct NameView {
    pub(crate) service: ServiceName,
    snapshot: ArcSwap<Snapshot>,
    source: AtomicU8,
    started: Instant,
    /// Milliseconds from the start to the last proof.
    proved: AtomicU64,
    error: Mutex<Option<RegistryError>>,
    /// How often something has changed: the snapshot, or how it is known.
    changes: watch::Sender<u64>,
    /// What somebody has read before its task did.
    handed: Mutex<Option<Listing>>,
    /// Whether it was read since somebody looked.
    used: AtomicBool,
    /// How many keep it, whether it is read or not.
    pub(crate) followers: AtomicUsize,
}

const SOURCES: [Source; 5] = [
    Source::Unread,
    Source::Disk,
    Source::Read,
    Source::Watched,
    Source::Stale,
];

impl NameView {
    pub(crate) fn new(service: ServiceName) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(Snapshot::unread(service.clone())),
            service,
            source: AtomicU8::new(0),
            started: Instant::now(),
            proved: AtomicU64::new(0),
            error: Mutex::new(None),
            changes: watch::Sender::new(0),
            handed: Mutex::new(None),
            used: AtomicBool::new(true),
            followers: AtomicUsize::new(0),
        }
    }

    /// What is known. It takes no lock and allocates nothing.
    pub(crate) fn load(&self) -> Arc<Snapshot> {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        self.snapshot.load_full()
    }

    /// Hands over what was read while its task was about to read it.
    pub(crate) fn hand(&self, listing: Listing) {
        *self.handed.lock() = Some(listing);
    }

    pub(crate) fn take_handed(&self) -> Option<Listing> {
        self.handed.lock().take()
    }

    pub(crate) fn source(&self) -> Source {
        SOURCES[usize::from(self.source.load(Ordering::Acquire)).min(SOURCES.len() - 1)]
    }

    pub(crate) fn age(&self) -> Duration {
        let proved = Duration::from_millis(self.proved.load(Ordering::Acquire));
        self.started.elapsed().saturating_sub(proved)
    }

    pub(crate) fn error(&self) -> Option<RegistryError> {
        self.error.lock().clone()
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen {
            snapshot: self.load(),
            age: self.age(),
            source: self.source(),
            error: self.error(),
        }
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether it was read since the last time that this was asked.
    pub(crate) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// This is known now. Who waits for changes is told only of some.
    pub(crate) fn publish(&self, snapshot: Snapshot, source: Source) {
        let is_new = **self.snapshot.load() != snapshot;
        if is_new {
            self.snapshot.store(Arc::new(snapshot));
        }
        self.proved(source, is_new);
    }

    /// It is still so.
    pub(crate) fn prove(&self, source: Source) {
        self.proved(source, false);
    }

    /// What has been read is watched from now on. That proves nothing: a watch may be lost before it has told anything.
    pub(crate) fn watch_begins(&self) {
        if self.source() == Source::Read {
            self.set_source(Source::Watched);
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    fn proved(&self, source: Source, is_new: bool) {
        if source != Source::Disk {
            let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.proved.store(millis, Ordering::Release);
            *self.error.lock() = None;
        }
        let before = self.set_source(source);
        if is_new || before != source {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// The registry fails. What was known stays.
    pub(crate) fn fail(&self, error: &RegistryError) {
        let before = self.error.lock().replace(error.clone());
        if before.is_none_or(|before| before.to_string() != error.to_string()) {
            tracing::warn!(service = %self.service, %error, "the registry cannot be read; what was known is used");
        }
        if matches!(self.source(), Source::Read | Source::Watched) {
            self.set_source(Source::Stale);
        }
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn set_source(&self, source: Source) -> Source {
        let number = SOURCES.iter().position(|known| *known == source).unwrap_or(0);
        let number = u8::try_from(number).unwrap_or(0);
        let before = self.source.swap(number, Ordering::AcqRel);
        SOURCES[usize::from(before).min(SOURCES.len() - 1)]
    }
}
