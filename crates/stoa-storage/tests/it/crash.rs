//! What dead processes leave, and living ones keep.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use bytes::Bytes;
use stoa_storage::{DiskStorage, Put, RecordName, Storage};

use crate::support::{commit, hash, private_tree, tree, zip_key};

const ROOT: &str = "STOA_STORAGE_TEST_ROOT";

/// Not a test by itself: the process that [`killed_writers_leave_nothing_for_long`] starts and kills.
#[tokio::test]
#[ignore = "run by another test, in a process of its own"]
async fn writer_that_never_ends() {
    let root = std::env::var_os(ROOT).expect("the directory to write to");
    let storage = DiskStorage::open(root).unwrap();
    let mut stage = storage.stage(&zip_key()).await.unwrap();
    stage.write(Bytes::from_static(b"half a zi")).await.unwrap();
    println!("staged");
    std::thread::sleep(std::time::Duration::from_mins(10));
}

#[tokio::test]
async fn killed_writers_leave_nothing_for_long() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::writer_that_never_ends",
            "--ignored",
            "--nocapture",
        ])
        .env(ROOT, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().contains("staged")),
        "the writer is at work"
    );

    let storage = DiskStorage::open(directory.path()).unwrap();
    assert_eq!(
        private_tree(directory.path(), "tmp").len(),
        1,
        "a living writer keeps its file"
    );
    assert!(
        storage.open(&zip_key()).await.unwrap().is_none(),
        "and shows nothing of it"
    );
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(
        private_tree(directory.path(), "tmp").len(),
        1,
        "a killed one leaves it"
    );
    DiskStorage::open(directory.path()).unwrap();
    assert_eq!(
        private_tree(directory.path(), "tmp"),
        BTreeMap::new(),
        "until the next start"
    );
    assert_eq!(
        commit(&storage, &zip_key(), "a whole zip", Some(&hash(1))).await,
        Put::Stored
    );
}

/// Not a test by itself: the process that [`a_killed_process_leaves_whole_records_and_no_lock`] starts and kills.
#[tokio::test]
#[ignore = "run by another test, in a process of its own"]
async fn swapper_that_never_ends() {
    let root = std::env::var_os(ROOT).expect("the directory to write to");
    let records = DiskStorage::open(root).unwrap().records();
    let mut old: Option<Bytes> = None;
    for count in 1_u64.. {
        let new = Bytes::from(count.to_le_bytes().repeat(10_000));
        assert!(
            records
                .swap(&latest(), old.as_deref(), new.clone())
                .await
                .unwrap()
        );
        println!("swapped {count}");
        old = Some(new);
    }
}

fn latest() -> RecordName {
    "sumdb/sum.example.com/latest".parse().unwrap()
}

#[tokio::test]
async fn a_killed_process_leaves_whole_records_and_no_lock() {
    for swaps in [1, 3, 20, 50] {
        let directory = tempfile::tempdir().unwrap();
        let mut swapper = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::swapper_that_never_ends",
                "--ignored",
                "--nocapture",
            ])
            .env(ROOT, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(swapper.stdout.take().unwrap()).lines();
        let last = format!("swapped {swaps}");
        assert!(
            lines.any(|line| line.unwrap().ends_with(&last)),
            "the swapper is at work"
        );
        swapper.kill().unwrap();
        swapper.wait().unwrap();

        let records = DiskStorage::open(directory.path()).unwrap().records();
        let content = records.read(&latest()).await.unwrap().unwrap();
        let count = u64::from_le_bytes(content[..8].try_into().unwrap());
        assert_eq!(content, count.to_le_bytes().repeat(10_000), "the record is whole");
        assert!(count >= swaps, "{count}: what was reported is there");
        let new = Bytes::from_static(b"next");
        assert!(records.swap(&latest(), Some(&content), new).await.unwrap());
        assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
    }
}

#[tokio::test]
async fn a_second_storage_does_not_sweep_what_the_first_writes() {
    let directory = tempfile::tempdir().unwrap();
    let first = DiskStorage::open(directory.path()).unwrap();
    let mut stage = first.stage(&zip_key()).await.unwrap();
    stage.write(Bytes::from_static(b"the ")).await.unwrap();
    DiskStorage::open(directory.path()).unwrap();
    stage.write(Bytes::from_static(b"zip")).await.unwrap();
    assert_eq!(stage.commit(None).await.unwrap(), Put::Stored);
    assert_eq!(tree(directory.path())["example.com/m/@v/v1.0.0.zip"], b"the zip");
}

#[tokio::test]
async fn a_zip_whose_writer_died_before_its_hash_gets_it_from_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    let zip = storage.location(&zip_key()).unwrap();
    fs::create_dir_all(zip.parent().unwrap()).unwrap();
    fs::write(&zip, "the zip").unwrap();
    assert_eq!(
        commit(&storage, &zip_key(), "the zap", Some(&hash(2))).await,
        Put::Existed
    );
    assert_eq!(storage.h1(&zip_key().target).await.unwrap(), None);
    assert_eq!(
        commit(&storage, &zip_key(), "the zip", Some(&hash(1))).await,
        Put::Existed
    );
    assert_eq!(storage.h1(&zip_key().target).await.unwrap(), Some(hash(1)));
}

#[tokio::test]
async fn files_cut_short_behind_our_back_are_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    storage
        .put(&zip_key(), Bytes::from(vec![7; 100_000]))
        .await
        .unwrap();
    let blob = storage.open(&zip_key()).await.unwrap().unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(storage.location(&zip_key()).unwrap())
        .unwrap()
        .set_len(10)
        .unwrap();
    let error = blob.bytes(100_000).await.unwrap_err();
    assert!(matches!(error, stoa_storage::StorageError::Damaged(_)), "{error}");
}
