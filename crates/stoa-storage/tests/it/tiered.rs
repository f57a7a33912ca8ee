//! A bounded storage before another.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use stoa_storage::{
    DiskStorage, FileKey, FileKind, FileWalk, MemoryStorage, Storage, TieredStorage, conformance,
};
use tokio_util::task::TaskTracker;

use crate::support::{hash, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::run(async || {
        count.set(count.get() + 1);
        let front = DiskStorage::open(directory.path().join(count.get().to_string())).unwrap();
        let back = MemoryStorage::new(64 << 20);
        let tiered = TieredStorage::new(Arc::new(front), Arc::new(back), 32 << 20, TaskTracker::new());
        Arc::new(tiered) as Arc<dyn Storage>
    })
    .await;
}

struct Tiers {
    _directory: tempfile::TempDir,
    front: Arc<DiskStorage>,
    back: Arc<MemoryStorage>,
    tiered: TieredStorage,
    tasks: TaskTracker,
}

impl Tiers {
    fn new(max: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let front = Arc::new(DiskStorage::open(directory.path()).unwrap());
        let back = Arc::new(MemoryStorage::new(64 << 20));
        let tasks = TaskTracker::new();
        let tiered = TieredStorage::new(
            Arc::<DiskStorage>::clone(&front),
            Arc::<MemoryStorage>::clone(&back),
            max,
            tasks.clone(),
        );
        Self {
            _directory: directory,
            front,
            back,
            tiered,
            tasks,
        }
    }

    /// Waits until all that was begun has ended.
    async fn settle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    async fn bytes_in_front(&self) -> u64 {
        let mut files = FileWalk::new(Arc::<DiskStorage>::clone(&self.front), None);
        let mut bytes = 0;
        while let Some(file) = files.next().await.unwrap() {
            bytes += file.len;
        }
        bytes
    }
}

async fn store(storage: &dyn Storage, key: &FileKey, len: usize) {
    let mut stage = storage.stage(key).await.unwrap();
    stage.write(Bytes::from(vec![7; len])).await.unwrap();
    stage.commit(Some(&hash(1))).await.unwrap();
}

async fn is_in(storage: &dyn Storage, key: &FileKey) -> bool {
    storage.open(key).await.unwrap().is_some()
}

#[tokio::test]
async fn what_is_read_is_kept_with_its_tag_and_read_from_there() {
    let tiers = Tiers::new(16 << 20);
    let zip = key("example.com/m", "v1.0.0", FileKind::Zip);
    let go_mod = key("example.com/m", "v1.0.0", FileKind::Mod);
    let front = &*tiers.front;
    // Stored by another node.
    store(&*tiers.back, &zip, 300_000).await;
    tiers
        .back
        .put(&go_mod, Bytes::from_static(b"module example.com/m\n"))
        .await
        .unwrap();
    let blob = tiers.tiered.open(&zip).await.unwrap().unwrap();
    assert_eq!(blob.read_at(0, 200_000).await.unwrap().len(), 200_000);
    assert!(!is_in(front, &zip).await, "a part is not kept");
    assert_eq!(blob.read_at(200_000, 200_000).await.unwrap().len(), 100_000);
    tiers.tiered.open(&go_mod).await.unwrap().unwrap();
    tiers.settle().await;
    assert!(is_in(front, &zip).await && is_in(front, &go_mod).await);
    let again = tiers.tiered.open(&zip).await.unwrap().unwrap();
    assert_eq!(again.etag(), blob.etag(), "a download can be resumed from either");
    assert_eq!(front.h1(&zip.target).await.unwrap(), Some(hash(1)));
    // The one behind is not asked.
    assert!(tiers.back.remove(&go_mod).await.unwrap());
    assert!(is_in(&tiers.tiered, &go_mod).await);
    // A gap is never kept.
    let other = key("example.com/m", "v1.1.0", FileKind::Zip);
    store(&*tiers.back, &other, 300_000).await;
    let blob = tiers.tiered.open(&other).await.unwrap().unwrap();
    for offset in [100_000, 0, 200_000] {
        assert_eq!(blob.read_at(offset, 100_000).await.unwrap().len(), 100_000);
    }
    tiers.settle().await;
    assert!(!is_in(front, &other).await);
}

#[tokio::test]
async fn what_arrives_is_kept_and_taken_out_of_both() {
    let tiers = Tiers::new(16 << 20);
    let zip = key("example.com/m", "v1.0.0", FileKind::Zip);
    store(&tiers.tiered, &zip, 100_000).await;
    assert!(is_in(&*tiers.front, &zip).await && is_in(&*tiers.back, &zip).await);
    assert!(tiers.tiered.quarantine(&zip).await.unwrap());
    assert!(!is_in(&*tiers.front, &zip).await && !is_in(&*tiers.back, &zip).await);
    // What another node stored first is what this one has.
    let go_mod = key("example.com/m", "v1.0.0", FileKind::Mod);
    tiers
        .back
        .put(&go_mod, Bytes::from_static(b"first"))
        .await
        .unwrap();
    tiers
        .tiered
        .put(&go_mod, Bytes::from_static(b"second"))
        .await
        .unwrap();
    let read = tiers.tiered.open(&go_mod).await.unwrap().unwrap();
    assert_eq!(read.bytes(10).await.unwrap(), "first");
}

#[tokio::test]
async fn the_bound_holds_and_what_was_not_used_goes_first() {
    let tiers = Tiers::new(1_000_000);
    let zip = |n: u64| key("example.com/m", &format!("v1.{n}.0"), FileKind::Zip);
    let now = SystemTime::now();
    for n in 0..10 {
        store(&tiers.tiered, &zip(n), 95_000).await;
        // The later ones were used earlier, but for the last.
        let hours = if n == 9 { 0 } else { n + 1 };
        let used = now - Duration::from_secs(3600 * hours);
        let path = tiers.front.location(&zip(n)).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        let times = fs::FileTimes::new().set_accessed(used).set_modified(used);
        file.set_times(times).unwrap();
    }
    tiers.settle().await;
    assert_eq!(tiers.bytes_in_front().await, 950_000);
    store(&tiers.tiered, &zip(10), 95_000).await;
    tiers.settle().await;
    assert_eq!(
        tiers.bytes_in_front().await,
        95_000 * 9,
        "room for a tenth is made"
    );
    for (n, stays) in [
        (0, true),
        (6, true),
        (7, false),
        (8, false),
        (9, true),
        (10, true),
    ] {
        assert_eq!(is_in(&*tiers.front, &zip(n)).await, stays, "{n}");
        assert!(is_in(&*tiers.back, &zip(n)).await, "the one behind keeps {n}");
    }
    // What would take half of the room does not come in.
    store(&tiers.tiered, &zip(11), 600_000).await;
    tiers.settle().await;
    assert!(!is_in(&*tiers.front, &zip(11)).await && is_in(&tiers.tiered, &zip(11)).await);
}

#[tokio::test]
async fn a_front_that_fails_costs_nothing() {
    let tiers = Tiers::new(16 << 20);
    let root = tiers.front.root().to_owned();
    fs::remove_dir_all(&root).unwrap();
    fs::write(&root, "no directory").unwrap();
    let (zip, go_mod) = (
        key("example.com/m", "v1.0.0", FileKind::Zip),
        key("example.com/m", "v1.0.0", FileKind::Mod),
    );
    store(&tiers.tiered, &zip, 100_000).await;
    tiers
        .tiered
        .put(&go_mod, Bytes::from_static(b"module m\n"))
        .await
        .unwrap();
    for key in [zip, go_mod] {
        let blob = tiers.tiered.open(&key).await.unwrap().unwrap();
        assert_eq!(blob.bytes(1 << 20).await.unwrap().len() as u64, blob.len());
    }
    tiers.tiered.check().await.unwrap();
    fs::remove_file(&root).unwrap();
    fs::create_dir(&root).unwrap();
}
