//! The bound of the memory adapter.

use bytes::Bytes;
use stoa_storage::{FileKind, MemoryStorage, Put, Storage, StorageError};

use crate::support::{commit, key, zip_key};

const INFO: FileKind = FileKind::Info;

#[tokio::test]
async fn refuses_what_does_not_fit() {
    let storage = MemoryStorage::new(10);
    let put = async |version, len| {
        storage
            .put(&key("a.b/c", version, INFO), Bytes::from(vec![7; len]))
            .await
    };
    assert_eq!(put("v1.0.0", 6).await.unwrap(), Put::Stored);
    let refused = put("v1.1.0", 5).await.unwrap_err();
    assert!(matches!(refused, StorageError::Full(_)), "{refused}");
    assert_eq!(
        refused.report().to_string(),
        "the storage of this proxy has no room left: free space or raise the limit: \
         cannot store memory:/a.b/c/@v/v1.1.0.info: the memory storage holds 6 of at most 10 bytes"
    );
    assert_eq!(put("v1.2.0", 4).await.unwrap(), Put::Stored);
    assert_eq!(
        put("v1.0.0", 6).await.unwrap(),
        Put::Existed,
        "what is there needs no room"
    );
    assert!(storage.quarantine(&key("a.b/c", "v1.0.0", INFO)).await.unwrap());
    assert_eq!(put("v1.1.0", 6).await.unwrap(), Put::Stored, "room is given back");
}

#[tokio::test]
async fn staged_bytes_count_until_they_are_dropped() {
    let storage = MemoryStorage::new(10);
    let mut stage = storage.stage(&zip_key()).await.unwrap();
    stage.write(Bytes::from_static(b"1234567")).await.unwrap();
    let refused = storage
        .put(&key("a.b/c", "v1.0.0", INFO), Bytes::from_static(b"1234"))
        .await
        .unwrap_err();
    assert!(matches!(refused, StorageError::Full(_)), "{refused}");
    let refused = stage.write(Bytes::from_static(b"1234")).await.unwrap_err();
    assert!(matches!(refused, StorageError::Full(_)), "{refused}");
    stage
        .write(Bytes::from_static(b"1"))
        .await
        .expect_err("a stage with a hole takes no more");
    stage.commit(None).await.expect_err("and is not published");
    assert_eq!(
        commit(&storage, &zip_key(), "0123456789", None).await,
        Put::Stored,
        "all room was given back"
    );
}

#[tokio::test]
async fn a_lost_race_gives_its_room_back() {
    let storage = MemoryStorage::new(10);
    let mut late = storage.stage(&zip_key()).await.unwrap();
    late.write(Bytes::from_static(b"12345")).await.unwrap();
    assert_eq!(commit(&storage, &zip_key(), "abcde", None).await, Put::Stored);
    assert_eq!(late.commit(None).await.unwrap(), Put::Existed);
    let rest = storage
        .put(&key("a.b/c", "v1.0.0", INFO), Bytes::from_static(b"12345"))
        .await
        .unwrap();
    assert_eq!(rest, Put::Stored);
}

#[tokio::test]
async fn records_count_too() {
    let storage = MemoryStorage::new(10);
    let (records, name) = (storage.records(), "sumdb/db/latest".parse().unwrap());
    let bytes = |len| Bytes::from(vec![7; len]);
    records.write(&name, bytes(8)).await.unwrap();
    let refused = records.write(&name, bytes(11)).await.unwrap_err();
    assert_eq!(
        refused.report().to_string(),
        "the storage of this proxy has no room left: free space or raise the limit: \
         cannot store memory:/sumdb/db/latest: the memory storage holds 8 of at most 10 bytes"
    );
    assert_eq!(
        records.read(&name).await.unwrap(),
        Some(bytes(8)),
        "what was there stays"
    );
    let old = bytes(8);
    assert!(records.swap(&name, Some(&old), bytes(10)).await.unwrap());
    let put = async || storage.put(&zip_key(), bytes(1)).await;
    assert!(matches!(put().await, Err(StorageError::Full(_))));
    records.write(&name, bytes(9)).await.unwrap();
    assert_eq!(put().await.unwrap(), Put::Stored, "room is given back");
    let other = "sumdb/db/other".parse().unwrap();
    let refused = records.swap(&other, None, bytes(1)).await.unwrap_err();
    assert!(matches!(refused, StorageError::Full(_)), "{refused}");
    assert_eq!(records.read(&other).await.unwrap(), None);
}

#[tokio::test]
async fn reads_share_the_stored_bytes() {
    let storage = MemoryStorage::new(1 << 20);
    storage
        .put(&zip_key(), Bytes::from(vec![7; 200_000]))
        .await
        .unwrap();
    let open = async || storage.open(&zip_key()).await.unwrap().unwrap();
    let (one, other) = (
        open().await.bytes(1 << 20).await.unwrap(),
        open().await.read_at(5, 10).await.unwrap(),
    );
    assert_eq!(one[5..].as_ptr(), other.as_ptr());
}
