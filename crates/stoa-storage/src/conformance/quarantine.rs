//! Taking files out of service.

use std::sync::Arc;

use super::examples::{commit, content, hash, open, other_key, pattern, put, some_key};
use crate::key::FileKind;
use crate::put::Put;
use crate::storage::Storage;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    a_quarantined_key_is_free(&*make().await).await;
    the_hash_goes_with_the_zip(&*make().await).await;
    other_files_stay(&*make().await).await;
    open_files_keep_their_bytes(&*make().await).await;
    what_is_removed_is_gone(&*make().await).await;
}

async fn a_quarantined_key_is_free(storage: &dyn Storage) {
    for kind in FileKind::ALL {
        let key = some_key(kind);
        for seed in 0..3 {
            let bytes = pattern(70_000, seed);
            assert_eq!(put(storage, &key, &bytes).await, Put::Stored, "{key} is free");
            assert_eq!(content(storage, &key).await, Some(bytes));
            assert!(
                storage.quarantine(&key).await.expect("quarantines"),
                "there was a {key}"
            );
            assert_eq!(content(storage, &key).await, None, "{key} is out of service");
            assert!(
                !storage.quarantine(&key).await.expect("quarantines"),
                "there is no {key} any more"
            );
        }
    }
    assert_eq!(
        storage.modules(None, 10).await.expect("lists"),
        [],
        "nothing is stored any more"
    );
}

async fn the_hash_goes_with_the_zip(storage: &dyn Storage) {
    let key = some_key(FileKind::Zip);
    let h1 = async || storage.h1(&key.target).await.expect("asks for h1");
    commit(storage, &key, &pattern(100, 1), 100, Some(&hash(1))).await;
    assert!(storage.quarantine(&key).await.expect("quarantines"));
    assert_eq!(h1().await, None, "the hash is gone");
    put(storage, &key, &pattern(100, 2)).await;
    assert_eq!(h1().await, None, "and does not come back with another zip");
    assert!(storage.quarantine(&key).await.expect("quarantines"));
    assert_eq!(
        commit(storage, &key, &pattern(100, 3), 100, Some(&hash(3))).await,
        Put::Stored
    );
    assert_eq!(h1().await, Some(hash(3)), "which brings its own");
}

async fn other_files_stay(storage: &dyn Storage) {
    for kind in FileKind::ALL {
        commit(storage, &some_key(kind), &pattern(100, 1), 100, Some(&hash(1))).await;
    }
    for kind in [FileKind::Info, FileKind::Mod] {
        assert!(storage.quarantine(&some_key(kind)).await.expect("quarantines"));
    }
    let key = some_key(FileKind::Zip);
    assert_eq!(
        content(storage, &key).await,
        Some(pattern(100, 1)),
        "the zip stays"
    );
    assert_eq!(
        storage.h1(&key.target).await.expect("asks for h1"),
        Some(hash(1)),
        "with its hash"
    );
}

async fn open_files_keep_their_bytes(storage: &dyn Storage) {
    for (kind, len) in [(FileKind::Info, 100), (FileKind::Zip, 1 << 20)] {
        let (key, bytes) = (some_key(kind), pattern(len, 1));
        put(storage, &key, &bytes).await;
        let blob = open(storage, &key).await;
        assert!(storage.quarantine(&key).await.expect("quarantines"));
        put(storage, &key, &pattern(len, 2)).await;
        assert_eq!(
            blob.bytes(len).await.expect("reads"),
            bytes,
            "an open {kind} does not change"
        );
    }
}

async fn what_is_removed_is_gone(storage: &dyn Storage) {
    for kind in FileKind::ALL {
        let key = some_key(kind);
        assert!(!storage.remove(&key).await.expect("removes"), "there is no {key}");
        commit(storage, &key, &pattern(70_000, 1), 70_000, Some(&hash(1))).await;
        let (other, bytes) = (other_key(kind), pattern(100, 2));
        put(storage, &other, &bytes).await;
        let blob = open(storage, &key).await;
        assert!(storage.remove(&key).await.expect("removes"), "there was a {key}");
        assert_eq!(content(storage, &key).await, None, "{key} is gone");
        let h1 = storage.h1(&key.target).await.expect("asks for h1");
        assert_eq!(h1, None, "and its hash");
        assert_eq!(content(storage, &other).await, Some(bytes), "another file stays");
        let read = blob.bytes(70_000).await.expect("reads");
        assert_eq!(read, pattern(70_000, 1), "an open {kind} does not change");
        assert_eq!(
            put(storage, &key, &pattern(10, 3)).await,
            Put::Stored,
            "{key} is free"
        );
        for key in [key, other] {
            assert!(storage.remove(&key).await.expect("removes"), "there was a {key}");
        }
    }
    assert_eq!(
        storage.modules(None, 10).await.expect("lists"),
        [],
        "nothing is left"
    );
}
