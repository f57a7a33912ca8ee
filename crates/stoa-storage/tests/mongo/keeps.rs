//! What is in the database after all kinds of ends.

use std::time::Duration;

use bytes::Bytes;
use mongodb::bson::doc;
use stoa_storage::{FileKind, MongoStorage, Put, Storage as _};

use crate::fake::{Fake, commit, content, count, key, pattern};

const LEN: usize = 1_000_000;

#[tokio::test]
async fn nothing_stays_of_what_was_not_stored() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    let key = key("example.com/m", "v1.0.0", FileKind::Zip);
    let mut late = storage.stage(&key).await.unwrap();
    late.write(pattern(LEN)).await.unwrap();
    drop(storage.stage(&key).await.unwrap());
    assert_eq!(commit(&storage, &key, &pattern(LEN), None).await, Put::Stored);
    assert_eq!(late.commit(None).await.unwrap(), Put::Existed);
    let (other, bytes) = (key_of(2), pattern(LEN));
    let (first, second) = tokio::join!(
        commit(&storage, &other, &bytes, None),
        commit(&storage, &other, &bytes, None)
    );
    assert_ne!(first, second, "one of two wins");
    for (collection, documents) in [("stoa_fs.files", 2), ("stoa_fs.chunks", 8), ("stoa_uploads", 0)] {
        assert_eq!(count(&database, collection).await, documents, "{collection}");
    }
    assert_eq!(
        std::fs::read_dir(fake.spool.path()).unwrap().count(),
        0,
        "nothing in the spool has a name"
    );
}

fn key_of(n: u8) -> stoa_storage::FileKey {
    key("example.com/m", &format!("v1.{n}.0"), FileKind::Zip)
}

#[tokio::test]
async fn what_was_refused_is_kept_aside_once() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    for _ in 0..3 {
        let mut stage = storage.stage(&key_of(1)).await.unwrap();
        stage.write(pattern(LEN)).await.unwrap();
        stage.reject().await.unwrap();
    }
    for (collection, documents) in [
        ("stoa_quarantine", 1),
        ("stoa_fs.files", 1),
        ("stoa_fs.chunks", 4),
        ("stoa_uploads", 0),
    ] {
        assert_eq!(count(&database, collection).await, documents, "{collection}");
    }
    assert_eq!(content(&storage, &key_of(1)).await, None);
}

#[tokio::test]
async fn what_dead_writers_left_is_swept() {
    let fake = Fake::start();
    let mut options = fake.options();
    options.abandoned = Duration::ZERO;
    let database = fake.database(&options).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    // One that dies on its way, one before it is published, and one after.
    for (command, skipped) in [("insert", 2), ("insert", 6)] {
        fake.fail(command, 1, doc! {"closeConnection": true, "skip": skipped})
            .await;
        let mut stage = storage.stage(&key_of(1)).await.unwrap();
        stage.write(pattern(LEN)).await.unwrap();
        stage.commit(None).await.unwrap_err();
    }
    fake.fail("delete", 2, doc! {"errorCode": 1}).await;
    let mut stage = storage.stage(&key_of(1)).await.unwrap();
    stage.write(pattern(LEN)).await.unwrap();
    stage.commit(None).await.unwrap_err();
    fake.fail("delete", 0, doc! {"errorCode": 1}).await;
    assert_eq!(count(&database, "stoa_uploads").await, 3);
    assert_eq!(storage.settle().await.unwrap().swept, 2);
    for (collection, documents) in [("stoa_fs.files", 1), ("stoa_fs.chunks", 4), ("stoa_uploads", 0)] {
        assert_eq!(count(&database, collection).await, documents, "{collection}");
    }
    assert_eq!(
        content(&storage, &key_of(1)).await,
        Some(pattern(LEN)),
        "what was published stays"
    );
}

#[tokio::test]
async fn large_records_leave_no_pieces_behind() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    let (records, name) = (storage.records(), "other/large".parse().unwrap());
    let large = pattern(2 << 20);
    for _ in 0..2 {
        records.write(&name, large.clone()).await.unwrap();
    }
    assert!(!records.swap(&name, None, large.clone()).await.unwrap());
    assert!(records.swap(&name, Some(&large), large.clone()).await.unwrap());
    assert_eq!(records.read(&name).await.unwrap(), Some(large));
    assert_eq!(count(&database, "stoa_fs.chunks").await, 9);
    records.write(&name, Bytes::from_static(b"small")).await.unwrap();
    for collection in ["stoa_fs.files", "stoa_fs.chunks", "stoa_uploads"] {
        assert_eq!(count(&database, collection).await, 0, "{collection}");
    }
}
