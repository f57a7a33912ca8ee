//! Many at once, on one directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use stoa_storage::{DiskStorage, FileKind, Put, RecordName, Storage};
use tokio::task::JoinSet;

use crate::support::{commit, hash, key, private_tree, tree, zip_key};

/// Two storages on one root stand for two processes: they share nothing but the directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_content_wins_between_storages_of_one_directory() {
    let directory = tempfile::tempdir().unwrap();
    let storages = [(); 4].map(|()| Arc::new(DiskStorage::open(directory.path()).unwrap()));
    for round in 0..20 {
        let key = key("example.com/m", &format!("v1.{round}.0"), FileKind::Zip);
        let mut racers = JoinSet::new();
        for (seed, storage) in (1_u8..).zip(&storages) {
            let (storage, key) = (Arc::clone(storage), key.clone());
            let content = ["a", "bb", "ccc", "dddd"][usize::from(seed) - 1];
            racers.spawn(async move {
                (
                    content,
                    seed,
                    commit(&*storage, &key, content, Some(&hash(seed))).await,
                )
            });
        }
        let mut winners = racers.join_all().await;
        winners.retain(|(_, _, put)| *put == Put::Stored);
        let &[(content, seed, _)] = winners.as_slice() else {
            panic!("one wins, not {winners:?}")
        };
        let blob = storages[0].open(&key).await.unwrap().unwrap();
        assert_eq!(blob.bytes(10).await.unwrap(), content);
        assert_eq!(storages[1].h1(&key.target).await.unwrap(), Some(hash(seed)));
    }
    assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
}

/// Readers and writers through two storages lose no swap, and of many first ones one wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn swaps_count_each_other_between_storages_of_one_directory() {
    let directory = tempfile::tempdir().unwrap();
    let name: RecordName = "sumdb/sum.example.com/latest".parse().unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let records = DiskStorage::open(directory.path()).unwrap().records();
        let name = name.clone();
        tasks.spawn(async move {
            let mut firsts = 0;
            for step in 0..50 {
                let mine = format!("{task}.{step} ");
                loop {
                    let old = records.read(&name).await.unwrap();
                    let new = [old.as_deref().unwrap_or_default(), mine.as_bytes()].concat();
                    if records.swap(&name, old.as_deref(), new.into()).await.unwrap() {
                        firsts += usize::from(old.is_none());
                        break;
                    }
                }
            }
            firsts
        });
    }
    let firsts: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(firsts, 1);
    let content = tree(directory.path()).remove(name.as_str()).unwrap();
    let content = String::from_utf8(content).unwrap();
    let mut steps: Vec<_> = content.split_whitespace().collect();
    assert_eq!(steps.len(), 400, "each step once");
    steps.sort_unstable();
    steps.dedup();
    assert_eq!(steps.len(), 400, "each step once");
    assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
}

/// Whatever the order, what is stored in the end is a zip with its own hash, or without one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn quarantine_among_writers_never_mixes_zip_and_hash() {
    let directory = tempfile::tempdir().unwrap();
    let storages = [(); 3].map(|()| Arc::new(DiskStorage::open(directory.path()).unwrap()));
    let mut tasks = JoinSet::new();
    for (seed, storage) in (1_u8..).zip(&storages) {
        let storage = Arc::clone(storage);
        let content = ["a", "bb", "ccc"][usize::from(seed) - 1];
        tasks.spawn(async move {
            for _ in 0..40 {
                commit(&*storage, &zip_key(), content, Some(&hash(seed))).await;
                storage.quarantine(&zip_key()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    for (path, content) in private_tree(directory.path(), "quarantine") {
        if let Some(path) = path.strip_suffix(".zip") {
            let record = directory
                .path()
                .join(".stoa/quarantine")
                .join(format!("{path}.ziphash"));
            let expected = hash(u8::try_from(content.len()).unwrap()).to_string();
            assert_eq!(std::fs::read_to_string(record).unwrap(), expected, "{path}");
        }
    }
    assert_eq!(tree(directory.path()), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_of_readers_and_writers_gets_through() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(DiskStorage::open(directory.path()).unwrap());
    let mut tasks = JoinSet::new();
    for n in 0..400_u32 {
        let storage = Arc::clone(&storage);
        tasks.spawn(async move {
            let key = key(
                &format!("example.com/m{}", n % 7),
                &format!("v1.{}.0", n % 50),
                FileKind::Info,
            );
            let content = Bytes::from(key.to_string());
            storage.put(&key, content.clone()).await.unwrap();
            let blob = storage.open(&key).await.unwrap().expect("it is stored");
            assert_eq!(blob.bytes(1000).await.unwrap(), content);
        });
    }
    assert_eq!(tasks.join_all().await.len(), 400);
    assert_eq!(tree(directory.path()).len(), 350);
    assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
}
