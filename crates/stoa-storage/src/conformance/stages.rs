//! Files that arrive piece by piece.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;

use super::examples::{self, commit, content, hash, pattern, put, some_key};
use crate::key::FileKind;
use crate::put::Put;
use crate::stage::ReadAt;
use crate::storage::Storage;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    nothing_shows_before_the_commit(&*make().await).await;
    any_size_arrives_whole(&*make().await).await;
    readers_follow_the_file(&*make().await).await;
    dropping_leaves_nothing(&*make().await).await;
    what_is_rejected_is_never_published(&*make().await).await;
    a_commit_that_loses_changes_nothing(&*make().await).await;
    a_write_given_up_is_never_published(&*make().await).await;
    hashes_are_recorded_with_zips(&*make().await).await;
}

async fn assert_absent(storage: &dyn Storage, kind: FileKind, when: &str) {
    let key = some_key(kind);
    assert_eq!(content(storage, &key).await, None, "nothing is visible {when}");
    assert_eq!(
        storage.versions(key.target.path()).await.expect("lists"),
        [],
        "no version {when}"
    );
    assert_eq!(
        storage.modules(None, 10).await.expect("lists"),
        [],
        "no module {when}"
    );
    assert_eq!(
        storage.h1(&key.target).await.expect("asks for h1"),
        None,
        "no hash {when}"
    );
}

async fn nothing_shows_before_the_commit(storage: &dyn Storage) {
    let (key, bytes) = (some_key(FileKind::Zip), pattern(100_000, 1));
    let mut stage = storage.stage(&key).await.expect("begins");
    assert_absent(storage, FileKind::Zip, "when a stage has begun").await;
    stage.write(bytes.clone()).await.expect("writes");
    assert_absent(storage, FileKind::Zip, "after a write").await;
    assert_eq!(stage.commit(Some(&hash(1))).await.expect("commits"), Put::Stored);
    assert_eq!(content(storage, &key).await, Some(bytes));
}

async fn any_size_arrives_whole(storage: &dyn Storage) {
    for (n, (len, piece)) in [(0, 1), (1, 1), (1000, 7), (3 << 20, 100_000)]
        .into_iter()
        .enumerate()
    {
        let key = examples::key("example.com/m", &format!("v0.{n}.0"), FileKind::Zip);
        let bytes = pattern(len, 2);
        assert_eq!(commit(storage, &key, &bytes, piece, None).await, Put::Stored);
        assert_eq!(
            content(storage, &key).await,
            Some(bytes),
            "{len} bytes in pieces of {piece}"
        );
    }
}

async fn assert_reads(reader: &dyn ReadAt, bytes: &[u8], when: &str) {
    let len = bytes.len();
    assert_eq!(
        reader.read_at(0, len + 10).await.expect("reads"),
        bytes,
        "all so far, {when}"
    );
    for (offset, ask) in [
        (0, 1),
        (3, 60),
        (len / 2, len),
        (len.saturating_sub(1), 5),
        (len, 5),
        (len + 5, 5),
    ] {
        let expected = bytes.get(offset..len.min(offset + ask)).unwrap_or_default();
        assert_eq!(
            reader.read_at(offset as u64, ask).await.expect("reads"),
            expected,
            "at {offset}, {when}"
        );
    }
    assert!(
        reader
            .read_at(u64::MAX, usize::MAX)
            .await
            .expect("reads")
            .is_empty(),
        "far beyond, {when}"
    );
}

async fn readers_follow_the_file(storage: &dyn Storage) {
    for publish in [true, false] {
        let key = examples::key(
            "example.com/m",
            if publish { "v1.0.0" } else { "v1.1.0" },
            FileKind::Zip,
        );
        let bytes = pattern(200, 3);
        let mut stage = storage.stage(&key).await.expect("begins");
        let early = stage.reader();
        assert_reads(&*early, b"", "before the first write").await;
        let mut end = 0;
        for piece in [1, 50, 0, 100, 49] {
            stage.write(bytes.slice(end..end + piece)).await.expect("writes");
            end += piece;
            assert_reads(&*early, &bytes[..end], "while it grows").await;
            assert_reads(&*stage.reader(), &bytes[..end], "by a late reader").await;
        }
        let late = stage.reader();
        if publish {
            stage.commit(None).await.expect("commits");
            assert!(storage.quarantine(&key).await.expect("quarantines"));
        } else {
            drop(stage);
        }
        assert_reads(&*early, &bytes, "after the end").await;
        assert_reads(&*late, &bytes, "after the end, by a late reader").await;
    }
}

async fn dropping_leaves_nothing(storage: &dyn Storage) {
    let key = some_key(FileKind::Zip);
    let mut stage = storage.stage(&key).await.expect("begins");
    stage.write(pattern(5000, 4)).await.expect("writes");
    drop(stage);
    assert_absent(storage, FileKind::Zip, "after an abort").await;
    let bytes = pattern(10, 5);
    assert_eq!(
        put(storage, &key, &bytes).await,
        Put::Stored,
        "the key is free after an abort"
    );
    assert_eq!(content(storage, &key).await, Some(bytes));
}

async fn what_is_rejected_is_never_published(storage: &dyn Storage) {
    for round in 0..2 {
        let key = some_key(FileKind::Zip);
        let mut stage = storage.stage(&key).await.expect("begins");
        let reader = stage.reader();
        stage.write(pattern(5000, 4 + round)).await.expect("writes");
        stage.reject().await.expect("rejects");
        assert_absent(storage, FileKind::Zip, "after a rejection").await;
        assert_reads(&*reader, &pattern(5000, 4 + round), "after a rejection").await;
    }
    let (key, bytes) = (some_key(FileKind::Zip), pattern(10, 5));
    assert_eq!(put(storage, &key, &bytes).await, Put::Stored, "the key is free");
    let mut stage = storage.stage(&key).await.expect("begins");
    stage.write(pattern(10, 6)).await.expect("writes");
    stage.reject().await.expect("rejects");
    assert_eq!(content(storage, &key).await, Some(bytes), "what is stored stays");
}

async fn a_commit_that_loses_changes_nothing(storage: &dyn Storage) {
    let (key, first) = (some_key(FileKind::Zip), pattern(1000, 6));
    let mut late = storage.stage(&key).await.expect("begins");
    late.write(pattern(1000, 7)).await.expect("writes");
    assert_eq!(
        commit(storage, &key, &first, 100, Some(&hash(1))).await,
        Put::Stored
    );
    assert_eq!(late.commit(Some(&hash(2))).await.expect("commits"), Put::Existed);
    assert_eq!(
        content(storage, &key).await.as_ref(),
        Some(&first),
        "the first content stays"
    );
    assert_eq!(
        storage.h1(&key.target).await.expect("asks for h1"),
        Some(hash(1)),
        "and so does its hash"
    );
    assert_eq!(
        put(storage, &key, &pattern(3, 8)).await,
        Put::Existed,
        "also against a put"
    );
    assert_eq!(content(storage, &key).await, Some(first));
}

async fn a_write_given_up_is_never_published(storage: &dyn Storage) {
    let key = some_key(FileKind::Zip);
    let mut stage = storage.stage(&key).await.expect("begins");
    let finished = {
        let mut write = pin!(stage.write(pattern(2 << 20, 9)));
        poll_fn(|context| Poll::Ready(write.as_mut().poll(context).is_ready())).await
    };
    if !finished {
        stage
            .write(Bytes::from_static(b"more"))
            .await
            .expect_err("a broken stage takes nothing more");
        stage
            .commit(None)
            .await
            .expect_err("a broken stage does not commit");
        assert_absent(storage, FileKind::Zip, "after a broken commit").await;
    }
}

async fn hashes_are_recorded_with_zips(storage: &dyn Storage) {
    for kind in [FileKind::Info, FileKind::Mod] {
        commit(storage, &some_key(kind), &pattern(10, 10), 10, Some(&hash(9))).await;
    }
    let (key, bytes) = (some_key(FileKind::Zip), pattern(70_000, 11));
    let h1 = async || storage.h1(&key.target).await.expect("asks for h1");
    assert_eq!(h1().await, None, "only a zip brings a hash");
    commit(storage, &key, &bytes, 1 << 20, None).await;
    assert_eq!(h1().await, None, "no hash was given");
    commit(storage, &key, &pattern(70_000, 12), 1 << 20, Some(&hash(2))).await;
    assert_eq!(
        h1().await,
        None,
        "the hash of other bytes is not that of the stored ones"
    );
    assert_eq!(
        commit(storage, &key, &bytes, 1 << 20, Some(&hash(1))).await,
        Put::Existed
    );
    assert_eq!(h1().await, Some(hash(1)), "the same bytes bring the missing hash");
    assert_eq!(
        commit(storage, &key, &bytes, 1 << 20, Some(&hash(3))).await,
        Put::Existed
    );
    assert_eq!(h1().await, Some(hash(1)), "a recorded hash stays");
}
