//! What an index of a million versions in a file costs.
//!
//! `cargo run --release -p stoa-index --example million` makes one in a folder for temporary files, and asks it in a process of
//! its own, so that what filling took is not counted. `million fill FILE` only makes it, for `bench/index.py`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "this program prints its figures, and a failure is its end"
)]

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use fastrand::Rng;
use stoa_index::{
    EntryFilter, FileKind, Index, IndexEvent, MAX_BATCH, Origin, SqliteIndex, Stored, Timestamp, UseCursor,
};
use stoa_module::{ModulePath, ModuleVersion, Version, dirhash::H1};

const MODULES: usize = 50_000;
const VERSIONS: usize = 20;
/// How often each question is asked, at places all over the index.
const TIMES: usize = 50;

fn target(module: usize, version: usize) -> ModuleVersion {
    let owner = module / 7;
    let module = ModulePath::parse(&format!("github.com/owner-{owner}/repository-{module}")).unwrap();
    ModuleVersion::new(module, Version::parse(&format!("v1.{version}.0")).unwrap()).unwrap()
}

/// The size of a file, which is the same each time that it is found.
fn size(number: usize, kind: FileKind) -> u64 {
    let spread = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match kind {
        FileKind::Info => 60 + spread % 100,
        FileKind::Mod => 100 + spread % 5_000,
        FileKind::Zip => 1_000 + spread % 1_000_000,
    }
}

async fn fill(path: &Path) {
    let index = SqliteIndex::open(path).unwrap();
    let mut random = Rng::with_seed(7);
    let mut order: Vec<u32> = (0..u32::try_from(MODULES * VERSIONS).unwrap()).collect();
    random.shuffle(&mut order);
    let began = Instant::now();
    for part in order.chunks(MAX_BATCH / 4) {
        let mut events = vec![];
        for number in part {
            let number = usize::try_from(*number).unwrap();
            let target = target(number / VERSIONS, number % VERSIONS);
            for kind in FileKind::ALL {
                events.push(IndexEvent::Stored(Stored {
                    target: target.clone(),
                    kind,
                    size: size(number, kind),
                    h1: Some(H1::from_bytes(std::array::from_fn(|_| random.u8(..)))),
                    origin: Some(Origin::new("https://proxy.golang.org").unwrap()),
                    verified_by: None,
                    found: None,
                }));
            }
            let at = Timestamp::from_micros(random.i64(1..1 << 50));
            events.push(IndexEvent::Used { target, at });
        }
        index.record(&events).await.unwrap();
    }
    let took = began.elapsed();
    let events = 4 * order.len();
    println!(
        "filled in {took:.1?}: {:.0} events/s",
        events as f64 / took.as_secs_f64()
    );
    rebuild(&index).await;
    index.close().await;
    println!("file: {} MiB", std::fs::metadata(path).unwrap().len() >> 20);
}

/// Finds all files again, in the order in which a storage lists them.
async fn rebuild(index: &SqliteIndex) {
    let began = Instant::now();
    let rebuild = index.begin_rebuild().await.unwrap();
    let all: Vec<_> = (0..MODULES * VERSIONS).collect();
    for part in all.chunks(MAX_BATCH / 3) {
        let mut events = vec![];
        for number in part {
            let target = target(number / VERSIONS, number % VERSIONS);
            events.extend(FileKind::ALL.map(|kind| {
                IndexEvent::Stored(Stored {
                    target: target.clone(),
                    kind,
                    size: size(*number, kind),
                    h1: None,
                    origin: None,
                    verified_by: None,
                    found: Some(Timestamp::ZERO),
                })
            }));
        }
        index.record(&events).await.unwrap();
    }
    println!("found again in {:.1?}", began.elapsed());
    let began = Instant::now();
    index.end_rebuild(rebuild).await.unwrap();
    println!("end of the rebuild: {:.1?}", began.elapsed());
}

/// Prints the median and the worst of times.
fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: median {median:.2?}, worst of {} {worst:.2?}",
        times.len()
    );
}

/// Asks many times, at places of its own choice.
async fn ask(what: &str, mut question: impl AsyncFnMut(&mut Rng) -> usize) {
    let mut random = Rng::with_seed(11);
    let mut times = vec![];
    for _ in 0..TIMES {
        let began = Instant::now();
        let found = question(&mut random).await;
        times.push(began.elapsed());
        assert!(found > 0, "{what} finds something");
    }
    print(what, times);
}

async fn ask_all(path: &Path) {
    let began = Instant::now();
    let index = SqliteIndex::open(path).unwrap();
    index.check().await.unwrap();
    println!("open to ready: {:.2?}", began.elapsed());
    let totals = index.totals().await.unwrap();
    assert_eq!(totals.versions, u64::try_from(MODULES * VERSIONS).unwrap());
    println!("{totals:?}");
    let first = index.since(Timestamp::ZERO, 1).await.unwrap()[0].at;
    let now = Timestamp::from(std::time::SystemTime::now());
    let place = |random: &mut Rng| target(random.usize(..MODULES - 100), random.usize(..VERSIONS));
    ask("since, page of 2000", async |random| {
        let from =
            Timestamp::from_micros(random.i64(first.micros()..now.micros().min(first.micros() + 10_000_000)));
        index.since(from, 2_000).await.unwrap().len()
    })
    .await;
    ask("catalog, page of 1000", async |random| {
        index.catalog(Some(&place(random)), 1_000).await.unwrap().len()
    })
    .await;
    ask("entries, page of 1000", async |random| {
        index
            .entries(&EntryFilter::All, Some(&place(random)), 1_000)
            .await
            .unwrap()
            .len()
    })
    .await;
    ask("by use, page of 1000", async |random| {
        let (used, target) = (Timestamp::from_micros(random.i64(..1 << 50)), place(random));
        index
            .by_use(Some(&UseCursor { used, target }), 1_000)
            .await
            .unwrap()
            .len()
    })
    .await;
    ask("modules, page of 1000", async |random| {
        index
            .modules("github.com/", Some(place(random).path()), 1_000)
            .await
            .unwrap()
            .len()
    })
    .await;
    ask("get", async |random| {
        usize::from(index.get(&place(random)).await.unwrap().is_some())
    })
    .await;
    ask("totals", async |_| {
        usize::try_from(index.totals().await.unwrap().modules).unwrap()
    })
    .await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
    {
        println!("{line}");
    }
    index.close().await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => {}
        [fill, path] if fill == "fill" => return self::fill(Path::new(path)).await,
        [path, ..] => return ask_all(Path::new(path)).await,
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    fill(&path).await;
    let asked = Command::new(std::env::current_exe().unwrap())
        .arg(&path)
        .status()
        .unwrap();
    assert!(asked.success());
}
