//! Single files: what is put is what is read.

use std::sync::Arc;

use bytes::Bytes;

use super::examples::{commit, content, hash, key, open, pattern, put, some_key};
use crate::error::StorageError;
use crate::key::FileKind;
use crate::put::Put;
use crate::storage::Storage;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    absent_files_are_none(&*make().await).await;
    what_is_put_is_read(&*make().await).await;
    first_content_wins(&*make().await).await;
    kinds_are_independent(&*make().await).await;
    names_do_not_alias(&*make().await).await;
    parts_can_be_read(&*make().await).await;
    reading_whole_is_bounded(&*make().await).await;
    tags_tell_contents_apart(&*make().await).await;
    location_is_where_the_file_is(&*make().await).await;
    it_is_usable_and_has_a_name(&*make().await).await;
}

async fn absent_files_are_none(storage: &dyn Storage) {
    for kind in FileKind::ALL {
        let key = some_key(kind);
        assert!(
            storage.open(&key).await.expect("opens").is_none(),
            "{key} is not stored"
        );
        assert!(
            !storage.quarantine(&key).await.expect("quarantines"),
            "there is no {key} to quarantine"
        );
    }
    assert_eq!(
        storage
            .h1(&some_key(FileKind::Zip).target)
            .await
            .expect("asks for h1"),
        None
    );
}

async fn what_is_put_is_read(storage: &dyn Storage) {
    for (n, len) in [0, 1, 500, 64 * 1024, 64 * 1024 + 1, 3 << 20]
        .into_iter()
        .enumerate()
    {
        let (key, bytes) = (
            key("example.com/m", &format!("v1.{n}.0"), FileKind::Mod),
            pattern(len, 1),
        );
        assert_eq!(put(storage, &key, &bytes).await, Put::Stored, "{len} bytes");
        assert_eq!(content(storage, &key).await, Some(bytes), "{len} bytes");
    }
}

async fn first_content_wins(storage: &dyn Storage) {
    let (key, first) = (some_key(FileKind::Info), Bytes::from_static(b"first"));
    assert_eq!(put(storage, &key, &first).await, Put::Stored);
    for later in ["second", "first", ""] {
        assert_eq!(
            put(storage, &key, &Bytes::from_static(later.as_bytes())).await,
            Put::Existed
        );
        assert_eq!(
            content(storage, &key).await.as_ref(),
            Some(&first),
            "the first content stays"
        );
    }
}

async fn kinds_are_independent(storage: &dyn Storage) {
    for (n, kind) in FileKind::ALL.into_iter().enumerate() {
        assert_eq!(
            content(storage, &some_key(kind)).await,
            None,
            "{kind} did not come with another kind"
        );
        let bytes = pattern(100 + n, 2);
        assert_eq!(put(storage, &some_key(kind), &bytes).await, Put::Stored);
        assert_eq!(content(storage, &some_key(kind)).await, Some(bytes));
    }
}

async fn names_do_not_alias(storage: &dyn Storage) {
    let names = [
        ("github.com/azure/sdk", "v1.0.0-rc1"),
        ("github.com/Azure/sdk", "v1.0.0-rc1"),
        ("github.com/azure/SDK", "v1.0.0-rc1"),
        ("github.com/azure/sdk", "v1.0.0-RC1"),
        ("github.com/azure/sdk", "v1.0.0"),
        ("github.com/azure/sdk/v2", "v2.0.0"),
        ("github.com/azure/sdk", "v2.0.0+incompatible"),
        ("github.com/azure/sdk/b_c", "v1.0.0"),
        ("github.com/azure/sdk_b/c", "v1.0.0"),
    ];
    for (n, (path, version)) in names.into_iter().enumerate() {
        let key = key(path, version, FileKind::Zip);
        assert_eq!(
            put(storage, &key, &pattern(50, n as u64)).await,
            Put::Stored,
            "{key} has a place of its own"
        );
    }
    for (n, (path, version)) in names.into_iter().enumerate() {
        let key = key(path, version, FileKind::Zip);
        assert_eq!(
            content(storage, &key).await,
            Some(pattern(50, n as u64)),
            "{key} has its own content"
        );
    }
}

async fn parts_can_be_read(storage: &dyn Storage) {
    for (kind, len) in [(FileKind::Mod, 1000_usize), (FileKind::Zip, 200_000)] {
        let (key, bytes) = (some_key(kind), pattern(len, 3));
        put(storage, &key, &bytes).await;
        let blob = open(storage, &key).await;
        for (offset, ask) in [
            (0, 0),
            (0, 10),
            (7, 100),
            (len - 1, 1),
            (len - 5, 50),
            (len, 1),
            (len + 9, 9),
        ] {
            let read = blob.read_at(offset as u64, ask).await.expect("reads");
            let expected = bytes.get(offset..len.min(offset + ask)).unwrap_or_default();
            assert_eq!(read, expected, "{ask} bytes at {offset} of {len}");
        }
        assert_eq!(
            blob.read_at(0, usize::MAX).await.expect("reads"),
            bytes,
            "to the end"
        );
        assert!(
            blob.read_at(u64::MAX, usize::MAX)
                .await
                .expect("reads")
                .is_empty(),
            "far beyond the end"
        );
    }
}

async fn reading_whole_is_bounded(storage: &dyn Storage) {
    let (small, large) = (some_key(FileKind::Info), some_key(FileKind::Zip));
    put(storage, &small, &pattern(100, 4)).await;
    put(storage, &large, &pattern(100_000, 4)).await;
    for (key, len) in [(small, 100), (large, 100_000)] {
        let blob = open(storage, &key).await;
        assert_eq!(blob.bytes(len).await.expect("fits").len(), len);
        let refused = blob.bytes(len - 1).await;
        assert!(
            matches!(refused, Err(StorageError::TooLarge { .. })),
            "{len} bytes are more than {}",
            len - 1
        );
    }
}

async fn tags_tell_contents_apart(storage: &dyn Storage) {
    let cases = [
        (FileKind::Info, 10, None),
        (FileKind::Mod, 100_000, None),
        (FileKind::Zip, 100_000, None),
        (FileKind::Zip, 10, Some(hash(1))),
        (FileKind::Zip, 100_000, Some(hash(1))),
    ];
    for (kind, len, h1) in cases {
        let (key, mut tags) = (some_key(kind), Vec::new());
        for seed in [1, 2] {
            // Recompressed: the same hash, other bytes.
            let bytes = pattern(if h1.is_some() { len + seed } else { len }, seed as u64);
            commit(storage, &key, &bytes, 4096, h1.as_ref()).await;
            let tag = open(storage, &key).await.etag().clone();
            let again = open(storage, &key).await.etag().clone();
            assert_eq!(tag, again, "the tag of {key} is stable");
            let is_tag_text = |c: char| c == '!' || ('#'..='~').contains(&c);
            assert!(
                !tag.as_str().is_empty() && tag.as_str().chars().all(is_tag_text),
                "{tag} is a tag's text"
            );
            tags.push(tag);
            assert!(storage.quarantine(&key).await.expect("quarantines"));
        }
        assert_ne!(tags[0], tags[1], "contents of {key} have tags of their own");
    }
}

async fn location_is_where_the_file_is(storage: &dyn Storage) {
    let (key, bytes) = (
        key("github.com/Some/Module", "v1.0.0-RC", FileKind::Mod),
        pattern(30, 5),
    );
    let before = storage.location(&key);
    put(storage, &key, &bytes).await;
    assert_eq!(
        storage.location(&key),
        before,
        "a location depends on the key alone"
    );
    if let Some(path) = before {
        assert_eq!(std::fs::read(&path).expect("the location is a local file"), bytes);
    }
}

async fn it_is_usable_and_has_a_name(storage: &dyn Storage) {
    storage.check().await.expect("it is usable");
    assert!(
        storage.modules(None, 10).await.expect("lists").is_empty(),
        "a check leaves nothing behind"
    );
    assert!(
        !storage.to_string().is_empty() && !storage.to_string().contains('\n'),
        "its name is one line"
    );
}
