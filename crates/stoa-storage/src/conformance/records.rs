//! What services remember.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::examples::{content, pattern, put, some_key};
use crate::error::StorageError;
use crate::key::FileKind;
use crate::record_name::RecordName;
use crate::records::{MAX_RECORD, Records};
use crate::storage::Storage;

const RACERS: u8 = 16;
const ROUNDS: u32 = 20;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    records_are_replaced(&*make().await.records()).await;
    names_are_apart(&*make().await.records()).await;
    swaps_look_first(&*make().await.records()).await;
    long_records_are_refused(&*make().await.records()).await;
    every_call_returns_the_same_records(&*make().await).await;
    modules_are_apart(&*make().await).await;
    swaps_count_each_other(&make().await.records()).await;
    one_first_swap_wins(&make().await.records()).await;
    no_write_is_lost_among_swaps(&make().await.records()).await;
    readers_see_whole_records(&make().await.records()).await;
}

fn name(name: &str) -> RecordName {
    name.parse().expect("the suite's record names are valid")
}

/// The record most checks use.
fn some_name() -> RecordName {
    name("sumdb/sum.example.com/latest")
}

async fn read(records: &dyn Records, name: &RecordName) -> Option<Bytes> {
    records.read(name).await.expect("a record is read")
}

async fn write(records: &dyn Records, name: &RecordName, content: &Bytes) {
    records
        .write(name, content.clone())
        .await
        .expect("a record is written");
}

async fn swap(records: &dyn Records, name: &RecordName, old: Option<&Bytes>, new: &Bytes) -> bool {
    records
        .swap(name, old.map(AsRef::as_ref), new.clone())
        .await
        .expect("a record is swapped or not")
}

async fn records_are_replaced(records: &dyn Records) {
    let name = some_name();
    assert_eq!(read(records, &name).await, None, "nothing is there at first");
    for (len, seed) in [(100, 1), (0, 2), (1, 3), (300_000, 4), (99, 5)] {
        let bytes = pattern(len, seed);
        write(records, &name, &bytes).await;
        assert_eq!(read(records, &name).await, Some(bytes), "the last content counts");
    }
}

async fn names_are_apart(records: &dyn Records) {
    let names = [
        "sumdb/sum.example.com/latest",
        "sumdb/sum.example.com/lookup/github.com/!burnt!sushi/toml@v1.0.0",
        "sumdb/sum.example.com/tile/8/0/000",
        "sumdb/sum.example.com/tile/8/0/000.p/17",
        "sumdb/sum.example.com/tile/8/0/001",
        "sumdb/sum.example.com/tile/8/0/x001/001",
        "sumdb/sum.example.com/tile/8/0/x001/001.p/1",
        "other/sum.example.com/latest",
    ]
    .map(name);
    for (seed, name) in (0..).zip(&names) {
        write(records, name, &pattern(50, seed)).await;
    }
    for (seed, name) in (0..).zip(&names) {
        assert_eq!(read(records, name).await, Some(pattern(50, seed)), "{name}");
    }
    assert_eq!(read(records, &name("sumdb/sum.example.com/absent")).await, None);
    let below = name("sumdb/sum.example.com/latest/below");
    assert_eq!(read(records, &below).await, None, "a record has nothing below it");
}

async fn swaps_look_first(records: &dyn Records) {
    let name = some_name();
    let [empty, first, second] = [0, 10, 10].map(|len| pattern(len, 6 + len as u64));
    let second = Bytes::from([&second[..], b"2"].concat());
    assert!(
        !swap(records, &name, Some(&empty), &first).await,
        "nothing is not empty"
    );
    assert!(
        !swap(records, &name, Some(&first), &first).await,
        "nothing is there"
    );
    assert_eq!(
        read(records, &name).await,
        None,
        "a swap that fails stores nothing"
    );
    assert!(swap(records, &name, None, &empty).await, "there is nothing");
    assert!(
        !swap(records, &name, None, &first).await,
        "there is something, though empty"
    );
    assert!(swap(records, &name, Some(&empty), &first).await);
    assert!(
        !swap(records, &name, Some(&second), &empty).await,
        "there is another"
    );
    assert!(
        !swap(records, &name, Some(&first.slice(1..)), &empty).await,
        "there is more"
    );
    assert_eq!(read(records, &name).await.as_ref(), Some(&first));
    assert!(swap(records, &name, Some(&first), &first).await, "for the same");
    assert!(swap(records, &name, Some(&first), &second).await);
    write(records, &name, &empty).await;
    assert!(
        !swap(records, &name, Some(&second), &first).await,
        "it was written since"
    );
    assert_eq!(read(records, &name).await, Some(empty));
}

async fn long_records_are_refused(records: &dyn Records) {
    let (name, bytes) = (some_name(), Bytes::from(vec![7; MAX_RECORD + 1]));
    let longest = bytes.slice(1..);
    write(records, &name, &longest).await;
    let refusals = [
        records.write(&name, bytes.clone()).await,
        records.swap(&name, Some(&longest), bytes).await.map(drop),
    ];
    for refused in refusals {
        assert!(
            matches!(refused, Err(StorageError::TooLarge { .. })),
            "a record too long is refused"
        );
    }
    assert_eq!(
        read(records, &name).await.map(|content| content.len()),
        Some(MAX_RECORD)
    );
}

async fn every_call_returns_the_same_records(storage: &dyn Storage) {
    let (name, bytes) = (some_name(), pattern(100, 1));
    write(&*storage.records(), &name, &bytes).await;
    assert_eq!(read(&*storage.records(), &name).await, Some(bytes));
}

async fn modules_are_apart(storage: &dyn Storage) {
    let (records, key) = (storage.records(), some_key(FileKind::Mod));
    // As near to a module's file as a name can come.
    let near = name(&format!("sumdb/{key}"));
    write(&*records, &near, &pattern(100, 1)).await;
    assert_eq!(
        storage.modules(None, 10).await.expect("lists"),
        [],
        "a record is no module"
    );
    assert_eq!(content(storage, &key).await, None);
    put(storage, &key, &pattern(100, 2)).await;
    assert!(storage.quarantine(&key).await.expect("quarantines"));
    assert_eq!(
        read(&*records, &near).await,
        Some(pattern(100, 1)),
        "a record is not quarantined"
    );
}

async fn swaps_count_each_other(records: &Arc<dyn Records>) {
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let records = Arc::clone(records);
        racers.spawn(async move {
            for _ in 0..ROUNDS {
                while !increment(&*records).await {}
            }
        });
    }
    racers.join_all().await;
    let total = u32::from(RACERS) * ROUNDS;
    assert_eq!(
        read(&*records.clone(), &some_name()).await,
        Some(total.to_string().into()),
        "no swap is lost"
    );
}

/// Counts one up, unless another comes between.
async fn increment(records: &dyn Records) -> bool {
    let old = read(records, &some_name()).await;
    let count: u32 = old.as_deref().map_or(0, |text| {
        let text = std::str::from_utf8(text).expect("whole text is read");
        text.parse().expect("a whole number is read")
    });
    swap(
        records,
        &some_name(),
        old.as_ref(),
        &(count + 1).to_string().into(),
    )
    .await
}

async fn one_first_swap_wins(records: &Arc<dyn Records>) {
    let mut racers = JoinSet::new();
    for seed in 0..u64::from(RACERS) {
        let records = Arc::clone(records);
        racers.spawn(async move {
            (
                seed,
                swap(&*records, &some_name(), None, &pattern(300, seed)).await,
            )
        });
    }
    let mut winners = racers.join_all().await;
    winners.retain(|(_, won)| *won);
    let &[(winner, _)] = winners.as_slice() else {
        panic!("exactly one swap wins, not {winners:?}")
    };
    assert_eq!(read(&**records, &some_name()).await, Some(pattern(300, winner)));
}

/// Swaps add to what is there, so what a write brought stays at the start.
async fn no_write_is_lost_among_swaps(records: &Arc<dyn Records>) {
    let name = some_name();
    write(&**records, &name, &Bytes::from_static(b"start")).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut swappers = JoinSet::new();
    for _ in 0..4 {
        let (records, stopped) = (Arc::clone(records), stopped.clone());
        swappers.spawn(async move {
            while !*stopped.borrow() {
                let old = read(&*records, &some_name()).await.expect("a record");
                let new = Bytes::from([&old[..], b"+"].concat());
                swap(&*records, &some_name(), Some(&old), &new).await;
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 0..100 {
        let mine = format!("write {round} ");
        write(&**records, &name, &mine.clone().into()).await;
        for _ in 0..3 {
            let now = read(&**records, &name).await.expect("a record");
            assert!(
                now.starts_with(mine.as_bytes()),
                "a swap undid write {round}: {now:?}"
            );
            tokio::task::yield_now().await;
        }
    }
    stop.send(true).expect("the swappers listen");
    swappers.join_all().await;
}

async fn readers_see_whole_records(records: &Arc<dyn Records>) {
    let bytes = |seed: u8| Bytes::from(vec![seed; 100_000 + usize::from(seed)]);
    write(&**records, &some_name(), &bytes(0)).await;
    let mut tasks = JoinSet::new();
    for seed in 0..RACERS {
        let records = Arc::clone(records);
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                write(&*records, &some_name(), &bytes(seed)).await;
                let seen = read(&*records, &some_name()).await.expect("a record");
                assert_eq!(seen, bytes(seen[0]), "what is read was written");
            }
        });
    }
    tasks.join_all().await;
}
