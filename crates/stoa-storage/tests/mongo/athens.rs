//! What Athens stored.

use bytes::Bytes;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use stoa_module::dirhash::H1;
use stoa_storage::{FileKind, MongoStorage, Put, Storage as _};

use crate::fake::{Fake, binary, commit, content, count, key};

const AT: &str = "v1.0.0";

/// The beginning of a zip whose first entry is in the directory of this version, and some bytes.
fn zip(path: &str, version: &str, len: usize) -> Bytes {
    let name = format!("{path}@{version}/go.mod");
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend([0; 22]);
    zip.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    zip.extend([0, 0]);
    zip.extend(name.as_bytes());
    zip.resize(len, 7);
    zip.into()
}

/// A file in Athens' bucket, as its driver writes it.
async fn upload(database: &mongodb::Database, name: &str, content: &[u8], metadata: Option<Document>) {
    let id = ObjectId::new();
    for (n, piece) in (0_i32..).zip(content.chunks(255 * 1024)) {
        let chunk = doc! {"files_id": id, "n": n, "data": binary(piece)};
        database.collection("fs.chunks").insert_one(chunk).await.unwrap();
    }
    let len = i64::try_from(content.len()).unwrap();
    let mut listing = doc! {
        "_id": id, "length": len, "chunkSize": 255 * 1024, "uploadDate": DateTime::now(), "filename": name,
    };
    if let Some(metadata) = metadata {
        listing.insert("metadata", metadata);
    }
    database.collection("fs.files").insert_one(listing).await.unwrap();
}

/// A version as Athens saves it.
async fn save(database: &mongodb::Database, path: &str, zip: &[u8]) {
    upload(
        database,
        &format!("{}_{AT}.zip", path.replace('/', "_")),
        zip,
        None,
    )
    .await;
    let version = doc! {
        "module": path, "version": AT, "mod": binary(format!("module {path}").as_bytes()),
        "info": binary(format!("info of {path}").as_bytes()),
    };
    database.collection("modules").insert_one(version).await.unwrap();
}

#[tokio::test]
async fn versions_of_athens_are_served_and_listed() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let path = "github.com/Some/module";
    let bytes = zip(path, AT, 600_000);
    save(&database, path, &bytes).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    let info = content(&storage, &key(path, AT, FileKind::Info)).await;
    assert_eq!(info, Some(format!("info of {path}").into()));
    assert_eq!(
        content(&storage, &key(path, AT, FileKind::Zip)).await,
        Some(bytes.clone())
    );
    let versions = storage.versions(&path.parse().unwrap()).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert!(
        versions[0].info && versions[0].go_mod && versions[0].zip,
        "{versions:?}"
    );
    let put = storage
        .put(&key(path, AT, FileKind::Mod), Bytes::from_static(b"other"))
        .await;
    assert_eq!(put.unwrap(), Put::Existed, "the first content wins");
    assert_eq!(
        count(&database, "stoa_fs.chunks").await,
        0,
        "the zip stays where it is"
    );
    let other = fake.options();
    let database = fake.database(&other).await;
    for n in 0..300 {
        let path = format!("example.com/m{n}");
        save(&database, &path, &zip(&path, AT, 100)).await;
    }
    let storage = MongoStorage::connect(&other).await.unwrap();
    assert_eq!(storage.settle().await.unwrap().of_athens, 900);
    assert_eq!(
        storage.settle().await.unwrap().of_athens,
        900,
        "and no more the second time"
    );
    assert_eq!(storage.files(None, 1000).await.unwrap().len(), 900);
    assert_eq!(storage.modules(None, 1000).await.unwrap().len(), 300);
}

#[tokio::test]
async fn a_zip_that_shares_its_name_is_served_to_its_own_module_only() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let (one, other, third) = ("github.com/a/b_c", "github.com/a_b/c", "github.com/a_b_c");
    save(&database, one, &zip(one, AT, 300)).await;
    save(&database, other, &zip(other, AT, 400)).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    for (path, expected) in [(one, Some(300)), (other, Some(400)), (third, None)] {
        let found = content(&storage, &key(path, AT, FileKind::Zip)).await;
        assert_eq!(found.map(|zip| zip.len()), expected, "{path}");
    }
    // Whose name it has is not enough, and what its metadata say is.
    let name = format!("github.com_a_b_c_{AT}.zip");
    let (module, stranger) = (
        doc! {"module": third, "version": AT},
        zip("github.com/x", AT, 500),
    );
    upload(&database, &name, &stranger, None).await;
    assert_eq!(content(&storage, &key(third, AT, FileKind::Zip)).await, None);
    upload(&database, &name, &stranger, Some(module)).await;
    assert_eq!(
        content(&storage, &key(third, AT, FileKind::Zip)).await,
        Some(stranger)
    );
    assert_eq!(
        content(&storage, &key(one, AT, FileKind::Zip))
            .await
            .unwrap()
            .len(),
        300
    );
}

#[tokio::test]
async fn what_is_quarantined_of_athens_is_hidden_and_not_changed() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let path = "example.com/m";
    save(&database, path, &zip(path, AT, 300_000)).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    for kind in FileKind::ALL {
        let key = key(path, AT, kind);
        let blob = storage.open(&key).await.unwrap().unwrap();
        assert!(storage.quarantine(&key).await.unwrap(), "{key}");
        assert_eq!(content(&storage, &key).await, None, "{key} is hidden");
        assert!(!storage.quarantine(&key).await.unwrap());
        assert!(blob.bytes(1 << 20).await.is_ok(), "who has it open reads it");
        assert_eq!(
            storage.put(&key, Bytes::from_static(b"new")).await.unwrap(),
            Put::Stored
        );
        assert_eq!(content(&storage, &key).await, Some(Bytes::from_static(b"new")));
    }
    assert_eq!(
        count(&database, "fs.chunks").await,
        2,
        "Athens' data is as it was"
    );
    assert_eq!(count(&database, "modules").await, 1);
    assert_eq!(count(&database, "stoa_quarantine").await, 3);
}

#[tokio::test]
async fn a_zip_of_athens_takes_a_hash_from_the_same_bytes() {
    let fake = Fake::start();
    let options = fake.options();
    let database = fake.database(&options).await;
    let (path, h1) = ("example.com/m", H1::from_bytes([1; 32]));
    let bytes = zip(path, AT, 300_000);
    save(&database, path, &bytes).await;
    let storage = MongoStorage::connect(&options).await.unwrap();
    let key = key(path, AT, FileKind::Zip);
    assert_eq!(storage.h1(&key.target).await.unwrap(), None);
    assert_eq!(
        commit(&storage, &key, &Bytes::from(vec![1; 300_000]), Some(&h1)).await,
        Put::Existed
    );
    assert_eq!(storage.h1(&key.target).await.unwrap(), None);
    assert_eq!(commit(&storage, &key, &bytes, Some(&h1)).await, Put::Existed);
    assert_eq!(storage.h1(&key.target).await.unwrap(), Some(h1));
}
