//! Services that fail, and buckets that are not as they should be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;
use stoa_storage::object::{Conditional, ObjectOptions};
use stoa_storage::{FileKey, FileKind, Put, RemoteFault, Storage, StorageError};
use tokio::task::JoinSet;

use crate::services;

fn key(version: &str, kind: FileKind) -> FileKey {
    let target = ModuleVersion::new("example.com/M".parse().unwrap(), version.parse().unwrap()).unwrap();
    FileKey::new(target, kind)
}

fn fault(error: &StorageError) -> RemoteFault {
    match error {
        StorageError::Remote { fault, .. } => *fault,
        other => panic!("{other:?}"),
    }
}

async fn commit(storage: &dyn Storage, key: &FileKey, content: &Bytes) -> Put {
    let mut stage = storage.stage(key).await.unwrap();
    for piece in content.chunks(1 << 20) {
        stage.write(content.slice_ref(piece)).await.unwrap();
    }
    stage.commit(Some(&H1::from_bytes([1; 32]))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_real_service_says_what_is_wrong_and_what_to_do() {
    let bucket = services::radosgw();
    let (go_mod, text) = (key("v1.0.0", FileKind::Mod), Bytes::from_static(b"module m\n"));
    let options = &bucket.options;
    let with = |change: &dyn Fn(&mut ObjectOptions)| {
        let mut options = options.clone();
        change(&mut options);
        options
    };
    let wrong = bucket.file("wrong", "not the secret");
    for (name, options, fault_of, advice) in [
        (
            "an unknown key",
            with(&|options| options.access_key_id = Some("nobody".to_owned())),
            RemoteFault::BadCredentials,
            "correct the key",
        ),
        (
            "a wrong secret",
            with(&|options| options.secret_key_file = Some(wrong.clone())),
            RemoteFault::BadCredentials,
            "correct the key",
        ),
        (
            "nobody there",
            with(&|options| options.endpoint = Some("http://127.0.0.1:9".to_owned())),
            RemoteFault::Away,
            "look at the service",
        ),
    ] {
        let storage = bucket.storage_at("t", &options);
        let began = Instant::now();
        let errors = [
            storage.open(&go_mod).await.map(drop).unwrap_err(),
            storage.put(&go_mod, text.clone()).await.map(drop).unwrap_err(),
            storage
                .versions(go_mod.target.path())
                .await
                .map(drop)
                .unwrap_err(),
            storage.check().await.unwrap_err(),
        ];
        for error in &errors {
            assert_eq!(fault(error), fault_of, "{name}: {}", error.report());
            assert!(error.to_string().contains(advice), "{name}: {error}");
            let report = error.report().to_string();
            assert!(
                report.contains("s3://modules/t/") && !report.contains("not the secret"),
                "{report}"
            );
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{name}: {:?}",
            began.elapsed()
        );
    }
    let absent = bucket.storage_in("absent", options);
    for error in [
        absent.open(&go_mod).await.map(drop).unwrap_err(),
        absent.put(&go_mod, text).await.map(drop).unwrap_err(),
        absent.modules(None, 1).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(fault(&error), RemoteFault::NoBucket, "{}", error.report());
        assert!(error.to_string().contains("create it"), "{error}");
    }
}

/// Listings go on past the page of a service, which is a thousand keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn listings_go_on_past_a_page() {
    let bucket = services::moto();
    let storage = bucket.storage();
    let mut tasks = JoinSet::new();
    for n in 0..1100_u32 {
        let storage = Arc::clone(&storage);
        tasks.spawn(async move {
            let content = Bytes::from(n.to_string());
            storage
                .put(&key(&format!("v1.{n}.0"), FileKind::Info), content)
                .await
                .unwrap()
        });
        if tasks.len() >= 32 {
            assert_eq!(tasks.join_next().await.unwrap().unwrap(), Put::Stored);
        }
    }
    tasks.join_all().await;
    let module = key("v1.0.0", FileKind::Info).target.path().clone();
    let versions = storage.versions(&module).await.unwrap();
    assert_eq!(versions.len(), 1100);
    assert!(versions.is_sorted_by(|a, b| a.version < b.version));
    assert_eq!(storage.modules(None, 5).await.unwrap(), [module]);
    assert_eq!(storage.files(None, 2000).await.unwrap().len(), 1100);
}

/// A link leads to the very file, without credentials, and to no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_leads_to_one_file() {
    let bucket = services::radosgw();
    let storage = bucket.storage();
    let zip = key("v1.0.0", FileKind::Zip);
    let content = Bytes::from(vec![9; 200_000]);
    assert_eq!(commit(&*storage, &zip, &content).await, Put::Stored);
    let link = storage
        .link(&zip, Duration::from_secs(60))
        .await
        .unwrap()
        .unwrap();
    assert!(!format!("{link:?}").contains("Signature"), "{link:?}");
    let (status, body) = services::get(link.url()).await;
    assert_eq!((status, body), (200, content));
    let other = link.url().replace("v1.0.0.zip", "v1.0.1.zip");
    let (status, _) = services::get(&other).await;
    assert_eq!(status, 403);
}

/// Without conditions a look decides, and what one has stored is not written over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_service_without_conditions_keeps_the_first_content_by_a_look() {
    let bucket = services::moto();
    let options = ObjectOptions {
        conditional: Conditional::No,
        ..bucket.options.clone()
    };
    let storage = bucket.storage_at("plain", &options);
    storage.probe().await.unwrap();
    assert!(storage.ignores_conditions());
    let (go_mod, zip) = (key("v1.0.0", FileKind::Mod), key("v1.0.0", FileKind::Zip));
    for (content, put) in [("first", Put::Stored), ("second", Put::Existed)] {
        assert_eq!(storage.put(&go_mod, content.into()).await.unwrap(), put);
        assert_eq!(commit(&*storage, &zip, &content.into()).await, put);
    }
    for key in [go_mod, zip] {
        let blob = storage.open(&key).await.unwrap().unwrap();
        assert_eq!(blob.bytes(100).await.unwrap(), "first");
    }
    let (records, name) = (storage.records(), "a/b".parse().unwrap());
    assert!(records.swap(&name, None, "1".into()).await.unwrap());
    assert!(!records.swap(&name, None, "2".into()).await.unwrap());
    assert!(records.swap(&name, Some(b"1"), "2".into()).await.unwrap());
    assert_eq!(records.read(&name).await.unwrap(), Some("2".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_service_that_comes_back_is_used_again() {
    let bucket = services::moto();
    let storage = bucket.storage();
    let go_mod = key("v1.0.0", FileKind::Mod);
    storage.put(&go_mod, "module m\n".into()).await.unwrap();
    bucket.service.kill();
    let error = storage.open(&go_mod).await.map(drop).unwrap_err();
    assert_eq!(fault(&error), RemoteFault::Away, "{}", error.report());
    bucket.service.restart();
    bucket.service.create("modules");
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = storage.check().await {
        assert!(Instant::now() < deadline, "{}", error.report());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(storage.open(&go_mod).await.unwrap().is_none(), "it was in memory");
}
