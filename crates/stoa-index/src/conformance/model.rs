//! Random batches, against an index in memory.

use fastrand::Rng;
use stoa_module::ModuleVersion;

use super::adapter::Adapter;
use super::examples::{
    at, bare, catalog, found, h1, listed, origin, record, removed, target, totals, used, verifier,
};
use crate::{EntryFilter, FileKind, Index, IndexEntry, IndexEvent, MemoryIndex, Rebuild, Stored};

const ROUNDS: usize = 60;

pub(super) async fn run(adapter: &dyn Adapter, seed: u64) {
    tracing::info!(seed, "random batches");
    let storage = adapter.storage().await;
    let nodes = [storage.open().await, storage.open().await];
    let model = MemoryIndex::new(1_000);
    let mut random = Rng::with_seed(seed);
    let mut rebuild: Option<(Rebuild, Rebuild)> = None;
    for round in 0..ROUNDS {
        let node = &*nodes[random.usize(..2)];
        match (random.u8(..10), rebuild.take()) {
            (0, None) => {
                let begun = node.begin_rebuild().await.expect("begins");
                rebuild = Some((begun, model.begin_rebuild().await.expect("begins")));
            }
            (0 | 1, Some((begun, of_model))) => {
                node.end_rebuild(begun).await.expect("ends");
                model.end_rebuild(of_model).await.expect("ends");
            }
            (_, none) => rebuild = none,
        }
        let events: Vec<_> = (0..random.usize(..30)).map(|_| event(&mut random)).collect();
        record(node, &events).await;
        record(&model, &events).await;
        let same = compare(&*nodes[round % 2], &model).await;
        assert!(
            same.is_ok(),
            "seed {seed}, round {round}: {same:?}\nafter {events:?}"
        );
    }
}

fn version(random: &mut Rng) -> ModuleVersion {
    let modules = [
        "example.com/a",
        "example.com/A",
        "example.com/a/b",
        "example.com/a-b",
        "example.org/x",
    ];
    let versions = [
        "v1.0.0",
        "v1.10.0",
        "v1.2.0",
        "v0.0.0-20200101000000-0123456789ab",
        "v1.2.0-RC",
        "v1.2.0-rc",
    ];
    target(
        modules[random.usize(..modules.len())],
        versions[random.usize(..versions.len())],
    )
}

fn event(random: &mut Rng) -> IndexEvent {
    let target = version(random);
    let kind = FileKind::ALL[random.usize(..3)];
    // Before the time of any clock, so that the order of last use is the same in both.
    let time = random.i64(..1_000);
    let size = random.u64(..5) * 1_000;
    let mut maybe = || random.bool();
    match (maybe(), maybe()) {
        (true, true) => IndexEvent::Stored(Stored {
            h1: maybe().then(|| h1(u8::try_from(size / 1_000).unwrap_or_default())),
            origin: maybe().then(|| origin(&format!("origin {time}"))),
            verified_by: maybe().then(|| verifier(&format!("verifier {time}"))),
            ..bare(&target, kind, size)
        }),
        (true, false) => found(&target, kind, size, time),
        (false, true) => used(&target, time),
        (false, false) => removed(&target, kind),
    }
}

/// What does not depend on the clock: times of ours are all less than a second after the beginning.
fn timeless(entry: &IndexEntry) -> IndexEntry {
    let mut entry = entry.clone();
    entry.listed = entry.listed.map(|_| at(0));
    entry.first_seen = entry.first_seen.min(at(1_000));
    entry
}

/// Tells the first difference.
async fn compare(index: &dyn Index, model: &dyn Index) -> Result<(), String> {
    let all = async |index: &dyn Index| {
        let entries = index
            .entries(&EntryFilter::All, None, 1_000)
            .await
            .expect("lists");
        let by_use = index.by_use(None, 1_000).await.expect("lists");
        let modules = index.modules("", None, 1_000).await.expect("lists");
        (
            totals(index).await,
            catalog(index).await,
            listed(index).await,
            index.is_complete().await.expect("tells"),
            entries.iter().map(timeless).collect::<Vec<_>>(),
            by_use.iter().map(timeless).collect::<Vec<_>>(),
            modules,
        )
    };
    let (ours, expected) = (all(index).await, all(model).await);
    let sums = ours
        .4
        .iter()
        .map(IndexEntry::files)
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let [_, versions, files, bytes] = ours.0;
    if (ours.4.len() as u64, sums) != (versions, (files, bytes)) {
        return Err(format!("the sums are wrong: {:?}", ours.0));
    }
    if ours == expected {
        Ok(())
    } else {
        Err(format!("{ours:#?}\nis not\n{expected:#?}"))
    }
}
