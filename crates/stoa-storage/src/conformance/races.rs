//! Many at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::examples::{commit, content, hash, key, pattern, put, some_key};
use crate::key::FileKind;
use crate::put::Put;
use crate::storage::Storage;

const RACERS: u8 = 16;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    one_of_many_commits_wins(make().await).await;
    one_of_many_puts_wins(make().await).await;
    strangers_do_not_disturb_each_other(make().await).await;
    readers_never_see_a_part(make().await).await;
}

async fn one_of_many_commits_wins(storage: Arc<dyn Storage>) {
    let key = some_key(FileKind::Zip);
    let bytes = |seed: u8| pattern(100_000 + usize::from(seed), u64::from(seed));
    let mut racers = JoinSet::new();
    for seed in 0..RACERS {
        let (storage, key) = (Arc::clone(&storage), key.clone());
        racers.spawn(async move {
            (
                seed,
                commit(&*storage, &key, &bytes(seed), 30_000, Some(&hash(seed))).await,
            )
        });
    }
    let results = racers.join_all().await;
    let winners: Vec<u8> = results
        .into_iter()
        .filter(|(_, put)| *put == Put::Stored)
        .map(|(seed, _)| seed)
        .collect();
    let &[winner] = winners.as_slice() else {
        panic!("exactly one commit wins, not {winners:?}")
    };
    assert_eq!(
        content(&*storage, &key).await,
        Some(bytes(winner)),
        "the winner's content is stored"
    );
    assert_eq!(
        storage.h1(&key.target).await.expect("asks for h1"),
        Some(hash(winner)),
        "with its hash"
    );
}

async fn one_of_many_puts_wins(storage: Arc<dyn Storage>) {
    let key = some_key(FileKind::Info);
    let mut racers = JoinSet::new();
    for seed in 0..RACERS {
        let (storage, key) = (Arc::clone(&storage), key.clone());
        racers.spawn(async move { (seed, put(&*storage, &key, &pattern(300, u64::from(seed))).await) });
    }
    let results = racers.join_all().await;
    let winners: Vec<u8> = results
        .into_iter()
        .filter(|(_, put)| *put == Put::Stored)
        .map(|(seed, _)| seed)
        .collect();
    let &[winner] = winners.as_slice() else {
        panic!("exactly one put wins, not {winners:?}")
    };
    assert_eq!(
        content(&*storage, &key).await,
        Some(pattern(300, u64::from(winner)))
    );
}

async fn strangers_do_not_disturb_each_other(storage: Arc<dyn Storage>) {
    let mut tasks = JoinSet::new();
    for n in 0..8 * u64::from(RACERS) {
        let storage = Arc::clone(&storage);
        tasks.spawn(async move {
            let kind = FileKind::ALL[usize::try_from(n % 3).expect("a small number")];
            let key = key(&format!("example.com/m{}", n % 5), &format!("v0.{n}.0"), kind);
            let bytes = pattern(200, n);
            assert_eq!(put(&*storage, &key, &bytes).await, Put::Stored);
            assert_eq!(
                content(&*storage, &key).await,
                Some(bytes),
                "{key} is there once it is stored"
            );
        });
    }
    assert_eq!(tasks.join_all().await.len(), 8 * usize::from(RACERS));
    assert_eq!(storage.modules(None, 10).await.expect("lists").len(), 5);
}

async fn readers_never_see_a_part(storage: Arc<dyn Storage>) {
    let (key, bytes) = (some_key(FileKind::Zip), pattern(1 << 20, 1));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (storage, key, bytes) = (Arc::clone(&storage), key.clone(), bytes.clone());
        readers.spawn(async move {
            loop {
                if let Some(content) = content(&*storage, &key).await {
                    assert_eq!(content, bytes, "what is visible is whole");
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    commit(&*storage, &key, &bytes, 64 * 1024, Some(&hash(1))).await;
    readers.join_all().await;
}
