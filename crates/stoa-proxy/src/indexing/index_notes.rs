//! What happens to stored modules, until the index has heard of it.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;
use stoa_fetch::SourceName;
use stoa_index::{FileKind as IndexFile, IndexEvent, MAX_BATCH, Origin, Stored, Timestamp, Verifier};
use stoa_module::{ModuleVersion, dirhash::H1};
use stoa_storage::{FileKey, FileKind};
use stoa_sumdb::KeyName;
use tokio::sync::Notify;

/// Events that may wait. What comes when there are so many is found by the next rebuild.
const EVENTS: usize = 20_000;
/// Versions whose last use may wait. What is used when there are so many is noted the next time.
const USES: usize = 20_000;

/// Takes down what happens to stored modules, and waits for nothing: the index may be away. Cheap to clone.
///
/// What is taken down is bounded. If more comes than the index takes, what is lost is noticed, and the index is made anew from the
/// files that are stored.
#[derive(Clone, Default)]
pub struct IndexNotes(Option<Arc<Desk>>);

#[derive(Debug, Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    news: Notify,
    loss: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<IndexEvent>,
    uses: HashMap<ModuleVersion, Timestamp>,
}

/// Where a file came from, and what vouches for it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Who sent it.
    pub origin: Option<SourceName>,
    /// The checksum database that it was verified by.
    pub verified_by: Option<KeyName>,
}

impl IndexNotes {
    /// There is no index: nothing is taken down.
    pub fn none() -> Self {
        Self(None)
    }

    /// For an index, which a [`Recorder`](super::Recorder) tells.
    pub fn of_index() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether there is an index.
    pub fn has_index(&self) -> bool {
        self.0.is_some()
    }

    /// A file of `len` bytes has been stored, whose hash is `h1` if it is known.
    pub fn stored(&self, key: &FileKey, len: u64, h1: Option<H1>, source: &Source) {
        self.add(|| {
            IndexEvent::Stored(Stored {
                target: key.target.clone(),
                kind: index_file(key.kind),
                size: len,
                h1,
                origin: source.origin.as_ref().map(|name| Origin::cut(name.as_str())),
                verified_by: source
                    .verified_by
                    .as_ref()
                    .map(|name| Verifier::cut(&name.to_string())),
                found: None,
            })
        });
    }

    /// A file has been removed.
    pub fn removed(&self, key: &FileKey) {
        self.add(|| IndexEvent::Removed {
            target: key.target.clone(),
            kind: index_file(key.kind),
        });
    }

    /// Somebody got a file of a version. The same version again costs nothing more until the index has heard of it.
    pub fn used(&self, target: &ModuleVersion) {
        let Some(desk) = &self.0 else { return };
        let now = SystemTime::now().into();
        let mut waiting = desk.waiting.lock();
        if let Some(at) = waiting.uses.get_mut(target) {
            *at = now;
        } else if waiting.uses.len() < USES {
            waiting.uses.insert(target.clone(), now);
        }
    }

    fn add(&self, event: impl FnOnce() -> IndexEvent) {
        let Some(desk) = &self.0 else { return };
        let mut waiting = desk.waiting.lock();
        if waiting.events.len() < EVENTS {
            waiting.events.push_back(event());
        } else {
            desk.loss.notify_one();
        }
        drop(waiting);
        desk.news.notify_one();
    }

    /// Resolves when something but uses has been taken down since it last did.
    pub(super) async fn news(&self) {
        match &self.0 {
            Some(desk) => desk.news.notified().await,
            None => std::future::pending().await,
        }
    }

    /// How many events and uses wait.
    pub(super) fn waiting(&self) -> (usize, usize) {
        self.0.as_ref().map_or((0, 0), |desk| {
            let waiting = desk.waiting.lock();
            (waiting.events.len(), waiting.uses.len())
        })
    }

    /// A batch for the index, the oldest events first, and uses if there is room. Whoever takes it tells the index, or brings it
    /// [back](Self::bring_back).
    pub(super) fn take(&self, with_uses: bool) -> Vec<IndexEvent> {
        let Some(desk) = &self.0 else { return Vec::new() };
        let mut waiting = desk.waiting.lock();
        let events = waiting.events.len().min(MAX_BATCH);
        let mut batch: Vec<_> = waiting.events.drain(..events).collect();
        // A use of a version that the index does not know yet says nothing, so they come last.
        if with_uses && waiting.events.is_empty() {
            let some: Vec<_> = waiting
                .uses
                .keys()
                .take(MAX_BATCH - batch.len())
                .cloned()
                .collect();
            batch.extend(some.into_iter().filter_map(|target| {
                let at = waiting.uses.remove(&target)?;
                Some(IndexEvent::Used { target, at })
            }));
        }
        batch
    }

    /// Puts a batch back to where it was. Uses that have no room any more are lost.
    pub(super) fn bring_back(&self, batch: Vec<IndexEvent>) {
        let Some(desk) = &self.0 else { return };
        let mut waiting = desk.waiting.lock();
        for event in batch.into_iter().rev() {
            match event {
                IndexEvent::Used { target, at } => {
                    if waiting.uses.len() < USES {
                        waiting.uses.entry(target).or_insert(at);
                    }
                }
                // The room was theirs a moment ago: a batch is the only thing above the bound.
                event => waiting.events.push_front(event),
            }
        }
    }

    /// Resolves when something was lost since it last did.
    pub(super) async fn loss(&self) {
        match &self.0 {
            Some(desk) => desk.loss.notified().await,
            None => std::future::pending().await,
        }
    }
}

/// A kind of file, as the index calls it.
pub(super) fn index_file(kind: FileKind) -> IndexFile {
    match kind {
        FileKind::Info => IndexFile::Info,
        FileKind::Mod => IndexFile::Mod,
        FileKind::Zip => IndexFile::Zip,
    }
}

impl fmt::Debug for IndexNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, uses) = self.waiting();
        f.debug_struct("IndexNotes")
            .field("has_index", &self.has_index())
            .field("events", &events)
            .field("uses", &uses)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn key(version: &str) -> FileKey {
        FileKey::parse(&format!("a.example/m/@v/{version}.zip")).expect("a key")
    }

    #[test]
    fn what_comes_back_is_taken_first_and_uses_are_taken_last() {
        let notes = IndexNotes::of_index();
        notes.used(&key("v1.0.0").target);
        notes.used(&key("v1.0.0").target);
        notes.stored(&key("v1.0.0"), 7, None, &Source::default());
        notes.removed(&key("v1.1.0"));
        assert_eq!(notes.waiting(), (2, 1));
        let batch = notes.take(true);
        assert_eq!(batch.len(), 3);
        assert!(matches!(batch[2], IndexEvent::Used { .. }));
        notes.removed(&key("v1.2.0"));
        notes.bring_back(batch.clone());
        let again = notes.take(false);
        assert_eq!(again[..2], batch[..2]);
        assert_eq!(again[2].target(), &key("v1.2.0").target);
        assert_eq!(notes.waiting(), (0, 1));
    }

    #[tokio::test]
    async fn what_finds_no_room_is_noticed() {
        let notes = IndexNotes::of_index();
        for _ in 0..EVENTS {
            notes.removed(&key("v1.0.0"));
        }
        assert!(notes.loss().now_or_never().is_none());
        notes.removed(&key("v1.0.0"));
        assert_eq!(notes.waiting().0, EVENTS);
        assert!(notes.loss().now_or_never().is_some());
        assert!(notes.loss().now_or_never().is_none());
    }

    #[test]
    fn without_an_index_nothing_waits() {
        let notes = IndexNotes::none();
        notes.removed(&key("v1.0.0"));
        notes.used(&key("v1.0.0").target);
        assert_eq!(notes.waiting(), (0, 0));
        assert!(notes.take(true).is_empty());
    }
}
