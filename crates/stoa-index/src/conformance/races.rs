//! Many at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use fastrand::Rng;
use tokio::task::JoinSet;

use super::adapter::Adapter;
use super::examples::{record, stored, target, totals, used};
use crate::{FileKind, Index, Timestamp};

const WRITERS: usize = 8;
const BATCHES: usize = 25;

pub(super) async fn run(adapter: &dyn Adapter, seed: u64) {
    a_reader_who_follows_misses_none(adapter, seed).await;
}

/// Writes versions of its own, one module for all writers, in batches of random sizes. Returns how many.
async fn write(index: Arc<dyn Index>, writer: usize, seed: u64) -> usize {
    let mut random = Rng::with_seed(seed.wrapping_add(writer as u64));
    let mut number = 0;
    for _ in 0..BATCHES {
        let mut events = vec![];
        for _ in 0..=random.usize(..6) {
            let target = target("example.com/a", &format!("v1.{writer}.{number}"));
            let kind = [FileKind::Info, FileKind::Zip][random.usize(..2)];
            events.extend([
                stored(&target, kind, 1),
                stored(&target, FileKind::Mod, 1),
                used(&target, 7),
            ]);
            number += 1;
        }
        record(&*index, &events).await;
        // One that others write too.
        record(
            &*index,
            &[stored(&target("example.com/b", "v1.0.0"), FileKind::Zip, 5)],
        )
        .await;
    }
    number
}

/// Follows until `is_over`, and then to the end. Returns what it saw.
async fn follow(index: Arc<dyn Index>, is_over: Arc<AtomicBool>) -> Vec<String> {
    let mut seen: Vec<String> = vec![];
    let mut since = Timestamp::ZERO;
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let page = index.since(since, 50).await.expect("lists");
        assert!(page.is_sorted_by(|one, other| one.at < other.at), "{page:?}");
        let new = page.iter().filter(|listed| seen.is_empty() || listed.at > since);
        let new: Vec<_> = new.map(|listed| listed.target.to_string()).collect();
        since = page.last().map_or(since, |listed| listed.at);
        if new.is_empty() && was_over {
            return seen;
        }
        seen.extend(new);
        tokio::task::yield_now().await;
    }
}

async fn a_reader_who_follows_misses_none(adapter: &dyn Adapter, seed: u64) {
    let storage = adapter.storage().await;
    let nodes = [storage.open().await, storage.open().await];
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for node in &nodes {
        readers.spawn(follow(node.clone(), is_over.clone()));
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(nodes[writer % 2].clone(), writer, seed));
    }
    let written: usize = writers.join_all().await.into_iter().sum();
    is_over.store(true, Ordering::SeqCst);
    let all = nodes[0].since(Timestamp::ZERO, 5_000).await.expect("lists");
    let expected: Vec<_> = all.iter().map(|listed| listed.target.to_string()).collect();
    assert_eq!(expected.len(), written + 1);
    for seen in readers.join_all().await {
        assert_eq!(seen, expected, "each once, in the order of the moments");
    }
    let versions = written as u64 + 1;
    let (files, bytes) = (2 * versions - 1, 2 * written as u64 + 5);
    assert_eq!(totals(&*nodes[1]).await, [2, versions, files, bytes]);
}
