//! A database that refuses, fails and is away.

use std::time::Duration;

use bytes::Bytes;
use mongodb::bson::{Document, doc};
use stoa_storage::mongo::MongoOptions;
use stoa_storage::{FileKind, MongoStorage, Put, RemoteFault, Storage as _, StorageError};

use crate::fake::{Fake, content, key, pattern};

#[tokio::test]
async fn errors_have_a_meaning() {
    let fake = Fake::start();
    let storage = MongoStorage::connect(&fake.options()).await.unwrap();
    let key = key("example.com/m", "v1.0.0", FileKind::Zip);
    for (code, meaning) in [
        (13, "Remote { fault: BadCredentials"),
        (18, "Remote { fault: BadCredentials"),
        (14_031, "Full("),
        (50, "Remote { fault: Away"),
    ] {
        fake.fail("insert", 1, doc! {"errorCode": code}).await;
        let error = storage.put(&key, Bytes::from_static(b"x")).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(meaning), "{code}: {error:?}");
        assert_eq!(content(&storage, &key).await, None, "nothing shows");
    }
    assert_eq!(
        storage.put(&key, Bytes::from_static(b"x")).await.unwrap(),
        Put::Stored
    );
}

#[tokio::test]
async fn a_broken_connection_is_an_error_and_no_absence() {
    let fake = Fake::start();
    let storage = MongoStorage::connect(&fake.options()).await.unwrap();
    let key = key("example.com/m", "v1.0.0", FileKind::Zip);
    storage.put(&key, pattern(1_000_000)).await.unwrap();
    let blob = storage.open(&key).await.unwrap().unwrap();
    // The driver reads once more by itself.
    fake.fail("find", 2, doc! {"closeConnection": true}).await;
    storage.open(&key).await.unwrap_err();
    fake.fail("find", 2, doc! {"closeConnection": true}).await;
    blob.read_at(0, 10).await.unwrap_err();
    fake.fail("find", 0, doc! {}).await;
    assert_eq!(blob.bytes(1 << 20).await.unwrap(), pattern(1_000_000));
}

#[tokio::test]
async fn a_file_whose_pieces_are_missing_is_an_error() {
    let fake = Fake::start();
    let options = fake.options();
    let storage = MongoStorage::connect(&options).await.unwrap();
    let key = key("example.com/m", "v1.0.0", FileKind::Zip);
    storage.put(&key, pattern(1_000_000)).await.unwrap();
    let chunks = fake
        .database(&options)
        .await
        .collection::<Document>("stoa_fs.chunks");
    chunks.delete_one(doc! {"n": 2}).await.unwrap();
    let blob = storage.open(&key).await.unwrap().unwrap();
    assert_eq!(
        blob.read_at(0, 100_000).await.unwrap(),
        pattern(1_000_000)[..100_000]
    );
    blob.bytes(1 << 20).await.unwrap_err();
    blob.read_at(600_000, 10).await.unwrap_err();
}

#[tokio::test]
async fn a_database_that_is_away_is_so_in_time() {
    let spool = tempfile::tempdir().unwrap();
    // Nothing listens at a port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut options = MongoOptions::new(format!("mongodb://me:s3cret@127.0.0.1:{port}/"), spool.path());
    options.deadline = Duration::from_millis(300);
    let error = MongoStorage::connect(&options).await.unwrap_err();
    assert!(
        matches!(
            error,
            StorageError::Remote {
                fault: RemoteFault::Away,
                ..
            }
        ),
        "{error:?}"
    );
    let shown = format!("{error:?} {} {options:?}", error.report());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_bad_url_is_not_repeated() {
    let spool = tempfile::tempdir().unwrap();
    for url in [
        "mongodb://me:s3cret@@host/",
        "s3cret",
        "mongodb://me:s3cret@host:port/",
        "mongodb://me:s3cret/x@host",
    ] {
        let error = MongoStorage::connect(&MongoOptions::new(url, spool.path()))
            .await
            .unwrap_err();
        assert!(
            !format!("{error:?} {}", error.report()).contains("s3cret"),
            "{error:?}"
        );
        assert!(
            matches!(error, StorageError::InvalidUrl { .. }),
            "{url}: {error:?}"
        );
    }
}
