//! Large files beside the modules.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::examples::{content, pattern, put, some_key};
use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::key::FileKind;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::storage::Storage;

const RACERS: u64 = 16;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    what_is_committed_is_read(&*make().await.artifacts()).await;
    nothing_shows_before_the_commit(&*make().await.artifacts()).await;
    first_content_wins(&*make().await.artifacts()).await;
    what_is_removed_is_gone_and_read_to_its_end(&*make().await.artifacts()).await;
    names_and_calls_are_apart(&*make().await).await;
    one_of_many_writers_wins(&make().await.artifacts()).await;
}

fn name(name: &str) -> RecordName {
    name.parse().expect("the suite's names are valid")
}

/// The artifact most checks use.
fn some_name() -> RecordName {
    name("dl/go1.2.3.linux-amd64.tar.gz")
}

async fn open(artifacts: &dyn Artifacts, name: &RecordName) -> Option<Blob> {
    artifacts.open(name).await.expect("an artifact is opened")
}

async fn read(artifacts: &dyn Artifacts, name: &RecordName) -> Option<Bytes> {
    let blob = open(artifacts, name).await?;
    let bytes = blob.bytes(usize::MAX).await.expect("an artifact is read");
    assert_eq!(
        blob.len(),
        bytes.len() as u64,
        "the length is that of the content"
    );
    Some(bytes)
}

async fn commit(artifacts: &dyn Artifacts, name: &RecordName, bytes: &Bytes) -> Put {
    let mut stage = artifacts.stage(name).await.expect("a stage begins");
    for piece in bytes.chunks(100_000) {
        let piece = bytes.slice_ref(piece);
        stage.write(piece).await.expect("a piece is written");
    }
    stage.commit(None).await.expect("a stage commits")
}

async fn what_is_committed_is_read(artifacts: &dyn Artifacts) {
    assert_eq!(
        read(artifacts, &some_name()).await,
        None,
        "nothing is there at first"
    );
    for (n, len) in [0, 1, 64 << 10, (64 << 10) + 1, 3 << 20].into_iter().enumerate() {
        let (name, bytes) = (name(&format!("dl/file-{n}")), pattern(len, 1));
        assert_eq!(commit(artifacts, &name, &bytes).await, Put::Stored, "{len} bytes");
        assert_eq!(read(artifacts, &name).await, Some(bytes.clone()), "{len} bytes");
        let blob = open(artifacts, &name).await.expect("it is stored");
        let from = len / 2;
        let piece = blob.read_at(from as u64, 10).await.expect("a part is read");
        assert_eq!(
            piece,
            bytes.slice(from..len.min(from + 10)),
            "a part of {len} bytes"
        );
        let again = open(artifacts, &name).await.expect("it is stored");
        assert_eq!(blob.etag(), again.etag(), "the same content has the same tag");
    }
}

async fn nothing_shows_before_the_commit(artifacts: &dyn Artifacts) {
    let (name, bytes) = (some_name(), pattern(200_000, 2));
    let mut stage = artifacts.stage(&name).await.expect("a stage begins");
    let reader = stage.reader();
    stage.write(bytes.clone()).await.expect("a piece is written");
    assert_eq!(read(artifacts, &name).await, None, "nothing before the commit");
    let early = reader.read_at(0, bytes.len()).await.expect("it is read back");
    assert_eq!(early, bytes, "a reader follows the file");
    drop(stage);
    assert_eq!(read(artifacts, &name).await, None, "nothing after an abort");
    let mut stage = artifacts.stage(&name).await.expect("a stage begins");
    stage.write(pattern(10, 3)).await.expect("a piece is written");
    stage.reject().await.expect("it is refused");
    assert_eq!(read(artifacts, &name).await, None, "nothing after a rejection");
    assert_eq!(
        commit(artifacts, &name, &bytes).await,
        Put::Stored,
        "the name is free"
    );
}

async fn first_content_wins(artifacts: &dyn Artifacts) {
    let (name, first) = (some_name(), pattern(70_000, 4));
    let mut late = artifacts.stage(&name).await.expect("a stage begins");
    late.write(pattern(70_000, 5)).await.expect("a piece is written");
    assert_eq!(commit(artifacts, &name, &first).await, Put::Stored);
    let put = late.commit(None).await.expect("a stage commits");
    assert_eq!(put, Put::Existed, "another was first");
    assert_eq!(commit(artifacts, &name, &pattern(3, 6)).await, Put::Existed);
    assert_eq!(
        read(artifacts, &name).await,
        Some(first),
        "the first content stays"
    );
}

async fn what_is_removed_is_gone_and_read_to_its_end(artifacts: &dyn Artifacts) {
    let (name, bytes) = (some_name(), pattern(40_000, 7));
    let removed = artifacts.remove(&name).await.expect("nothing is removed");
    assert!(!removed, "there was none");
    commit(artifacts, &name, &bytes).await;
    let blob = open(artifacts, &name).await.expect("it is stored");
    assert!(artifacts.remove(&name).await.expect("it is removed"));
    assert_eq!(read(artifacts, &name).await, None, "it is gone");
    let read_on = blob.bytes(usize::MAX).await.expect("an open artifact is read on");
    assert_eq!(read_on, bytes);
    let other = pattern(90_000, 8);
    assert_eq!(
        commit(artifacts, &name, &other).await,
        Put::Stored,
        "the name is free"
    );
    assert_eq!(read(artifacts, &name).await, Some(other));
}

async fn names_and_calls_are_apart(storage: &dyn Storage) {
    let (go_mod, record) = (some_key(FileKind::Mod), name("dl/index/all"));
    let bytes = pattern(100_000, 9);
    put(storage, &go_mod, &pattern(20, 10)).await;
    let records = storage.records();
    records
        .write(&record, pattern(30, 11))
        .await
        .expect("a record is written");
    commit(&*storage.artifacts(), &some_name(), &bytes).await;
    assert_eq!(
        read(&*storage.artifacts(), &some_name()).await,
        Some(bytes),
        "every call returns the same artifacts"
    );
    assert_eq!(content(storage, &go_mod).await, Some(pattern(20, 10)));
    assert_eq!(
        records.read(&record).await.expect("a record"),
        Some(pattern(30, 11))
    );
    let modules = storage.modules(None, 10).await.expect("lists");
    assert_eq!(
        modules,
        [go_mod.target.path().clone()],
        "no artifact is among the modules"
    );
    let files = storage.files(None, 10).await.expect("lists");
    let keys: Vec<_> = files.into_iter().map(|file| file.key).collect();
    assert_eq!(keys, [go_mod], "nor among their files");
}

async fn one_of_many_writers_wins(artifacts: &Arc<dyn Artifacts>) {
    let mut racers = JoinSet::new();
    for seed in 0..RACERS {
        let artifacts = Arc::clone(artifacts);
        racers.spawn(async move {
            let put = commit(&*artifacts, &some_name(), &pattern(80_000, seed)).await;
            (seed, put)
        });
    }
    let mut winners = racers.join_all().await;
    winners.retain(|(_, put)| *put == Put::Stored);
    let &[(winner, _)] = winners.as_slice() else {
        panic!("exactly one commit wins, not {winners:?}")
    };
    assert_eq!(
        read(&**artifacts, &some_name()).await,
        Some(pattern(80_000, winner))
    );
}
