//! Credentials that have expired, and clocks that are off.

use std::process::Command;

use bytes::Bytes;
use stoa_module::ModuleVersion;
use stoa_storage::object::ObjectStorage;
use stoa_storage::{FileKey, FileKind, RemoteFault, Storage, StorageError};
use stoa_testing::go::environment;

use crate::services;

/// Where the service is, for the test that runs with another clock.
const ENDPOINT: &str = "STOA_TEST_S3_ENDPOINT";

fn go_mod() -> FileKey {
    let target = ModuleVersion::new("example.com/m".parse().unwrap(), "v1.0.0".parse().unwrap()).unwrap();
    FileKey::new(target, FileKind::Mod)
}

/// Every way to ask says the same, and what to do.
async fn assert_says(case: &str, storage: &ObjectStorage, fault: RemoteFault, advice: &str) {
    let (key, text) = (go_mod(), Bytes::from_static(b"module example.com/m\n"));
    let staged = async {
        let mut stage = storage
            .stage(&FileKey::new(key.target.clone(), FileKind::Zip))
            .await?;
        stage.write(text.clone()).await?;
        stage.commit(None).await
    };
    let errors = [
        storage.open(&key).await.map(drop).unwrap_err(),
        storage.put(&key, text.clone()).await.map(drop).unwrap_err(),
        staged.await.map(drop).unwrap_err(),
        storage.versions(key.target.path()).await.map(drop).unwrap_err(),
        storage
            .records()
            .read(&"a/b".parse().unwrap())
            .await
            .map(drop)
            .unwrap_err(),
        storage.check().await.unwrap_err(),
    ];
    for error in errors {
        let StorageError::Remote { fault: found, .. } = &error else {
            panic!("{case}: {error:?}")
        };
        assert_eq!(*found, fault, "{case}: {}", error.report());
        assert!(error.to_string().contains(advice), "{case}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_expired_signature_is_said_to_be_expired() {
    let bucket = services::azurite();
    let with = |name: &str, expiry: &str| {
        let mut options = bucket.options.clone();
        options.secret_key_file = None;
        let signature = bucket.service.signature("modules", expiry);
        options.credentials_file = Some(bucket.file(name, &signature));
        bucket.storage_at("sas", &options)
    };
    let valid = with("valid", "2099-01-01T00:00:00Z");
    let text = Bytes::from_static(b"module example.com/m\n");
    valid.put(&go_mod(), text.clone()).await.unwrap();
    let stored = valid.open(&go_mod()).await.unwrap().unwrap();
    assert_eq!(stored.bytes(100).await.unwrap(), text);
    let expired = with("expired", "2020-01-01T00:00:00Z");
    let fault = RemoteFault::ExpiredCredentials;
    assert_says("expired", &expired, fault, "have expired: renew them").await;
    // One that is valid and signed with another key is no matter of time.
    let mut options = bucket.options.clone();
    options.secret_key_file = None;
    let forged = bucket.service.signature("modules", "2099-01-01T00:00:00Z");
    let forged = forged.replace("sig=", "sig=AAAA");
    options.credentials_file = Some(bucket.file("forged", &forged));
    let forged = bucket.storage_at("sas", &options);
    let error = forged.open(&go_mod()).await.map(drop).unwrap_err();
    assert!(
        matches!(
            error,
            StorageError::Remote {
                fault: RemoteFault::BadCredentials | RemoteFault::Forbidden,
                ..
            }
        ),
        "{}",
        error.report()
    );
}

/// Signatures of S3 have the time in them. The clock of a process is faked, so that a process of its own asks.
#[test]
fn a_clock_that_is_off_is_said_to_be_off() {
    let bucket = services::radosgw();
    let endpoint = bucket.options.endpoint.clone().unwrap();
    for (offset, is_off) in [("+1h", true), ("-1h", true), ("+5m", false)] {
        let mut other = Command::new(std::env::current_exe().unwrap());
        other
            .args([
                "--exact",
                "clocks::as_another_clock_sees_it",
                "--ignored",
                "--nocapture",
            ])
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME", offset)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env(ENDPOINT, &endpoint);
        let ran = other.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.status.success(), is_off, "{offset}: {said}");
        assert!(said.contains("1 test") || said.contains("1 passed"), "{said}");
    }
}

#[tokio::test]
#[ignore = "is run by another test, with another clock"]
async fn as_another_clock_sees_it() {
    let endpoint = environment(ENDPOINT).expect("another test runs this one");
    let bucket = services::radosgw_at(endpoint);
    let storage = bucket.storage_at("clocks", &bucket.options);
    assert_says(
        "a clock",
        &storage,
        RemoteFault::ClockSkew,
        "set this machine's clock",
    )
    .await;
}

fn faketime() -> std::path::PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = places.find(|place| place.is_file());
    found.expect("faketime is installed (scripts/tools.sh does it)")
}
