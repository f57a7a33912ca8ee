//! The bound of the storage in front.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio_util::task::TaskTracker;

use crate::error::StorageError;
use crate::file_walk::FileWalk;
use crate::key::FileKey;
use crate::storage::Storage;
use crate::stored_file::StoredFile;

/// How many classes of age there are for each doubling of the age: files of one class are up to 1.1 percent apart.
const CLASSES: f64 = 64.0;

/// How much a storage holds, and what makes room in it.
#[derive(Debug)]
pub(super) struct Room {
    storage: Arc<dyn Storage>,
    max: u64,
    /// Bytes that it holds, as far as was counted.
    used: AtomicU64,
    /// Somebody makes room.
    sweeping: AtomicBool,
    tasks: TaskTracker,
}

impl Room {
    pub(super) fn new(storage: Arc<dyn Storage>, max: u64, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self {
            storage,
            max,
            used: AtomicU64::new(0),
            sweeping: AtomicBool::new(false),
            tasks,
        })
    }

    pub(super) fn max(&self) -> u64 {
        self.max
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Whether a file of `len` bytes may come in. While room is made, a tenth more than the bound is held at most.
    pub(super) fn has(&self, len: u64) -> bool {
        let used = self.used.load(Ordering::Relaxed);
        len <= self.max / 2 && used.saturating_add(len) <= self.max + self.max / 10
    }

    /// A file of `len` bytes came in.
    pub(super) fn took(self: &Arc<Self>, len: u64) {
        if self.used.fetch_add(len, Ordering::Relaxed) + len > self.max {
            self.sweep();
        }
    }

    /// Counts what is there and makes room, in a task of its own, unless that is being done.
    pub(super) fn sweep(self: &Arc<Self>) {
        if self.sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let room = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = room.make_room().await {
                tracing::warn!(error = %error.report(), "no room can be made before the bucket");
            }
            room.sweeping.store(false, Ordering::Release);
        });
    }

    async fn make_room(&self) -> Result<(), StorageError> {
        let now = SystemTime::now();
        let mut classes: Vec<u64> = Vec::new();
        let mut used = 0;
        let mut files = FileWalk::new(Arc::clone(&self.storage), None);
        while let Some(file) = files.next().await? {
            let class = class(&file, now);
            classes.resize(classes.len().max(class + 1), 0);
            classes[class] += file.len;
            used += file.len;
        }
        self.used.store(used, Ordering::Relaxed);
        if used <= self.max {
            return Ok(());
        }
        let surplus = used - (self.max - self.max / 10);
        let (mut freed, mut first) = (0, classes.len());
        while freed < surplus && first > 0 {
            first -= 1;
            freed += classes[first];
        }
        let mut freed = 0;
        let mut files = FileWalk::new(Arc::clone(&self.storage), None);
        while let Some(file) = files.next().await?.filter(|_| freed < surplus) {
            if class(&file, now) >= first && self.storage.remove(&file.key).await? {
                freed += file.len;
            }
        }
        self.used.fetch_sub(freed.min(used), Ordering::Relaxed);
        tracing::info!(bytes = freed, "room was made before the bucket");
        Ok(())
    }
}

/// The storage in front could not do its part. Nothing depends on it.
pub(super) fn passed_by(key: &FileKey, error: &StorageError) {
    tracing::warn!(%key, error = %error.report(), "the directory before the bucket is passed by");
}

/// The class of age of a file: the older, the higher.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of an age is small, and not negative"
)]
fn class(file: &StoredFile, now: SystemTime) -> usize {
    let age = now.duration_since(file.used).unwrap_or(Duration::ZERO);
    ((age.as_secs_f64() + 1.0).log2() * CLASSES) as usize
}
