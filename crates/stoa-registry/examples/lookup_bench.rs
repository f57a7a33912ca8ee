//! How many lookups a second a view answers, and what one allocates, beside a lock and a deep copy in the same run.
//!
//! `cargo run --profile release-fast --package stoa-registry --example lookup_bench`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that measures, and says what"
)]

use std::{
    alloc::System,
    collections::HashMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stoa_registry::{
    InstanceId, MemoryRegistry, Registration, Registry, ServiceName, Snapshot, View, ViewOptions,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Services, and nodes of each.
const SERVICES: usize = 20;
const NODES: usize = 10;
/// How long each way is measured.
const TIME: Duration = Duration::from_secs(2);

/// Looks a service up by its number: how many nodes it has.
type Lookup<'a> = Box<dyn FnMut(usize) -> usize + 'a>;

/// Lookups a second, and allocations of one.
fn measure(mut lookup: impl FnMut(usize) -> usize) -> (f64, f64) {
    const BATCH: usize = 10_000;
    let region = Region::new(ALLOCATOR);
    let began = Instant::now();
    let (mut lookups, mut found) = (0_usize, 0_usize);
    while began.elapsed() < TIME {
        for number in 0..BATCH {
            found += lookup(number % SERVICES);
        }
        lookups += BATCH;
    }
    let elapsed = began.elapsed();
    let allocations = region.change().allocations;
    assert_eq!(black_box(found), lookups * NODES);
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let (lookups, allocations) = (lookups as f64, allocations as f64);
    (lookups / elapsed.as_secs_f64(), allocations / lookups)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let names: Vec<ServiceName> = (0..SERVICES)
        .map(|n| format!("service-{n}").parse().unwrap())
        .collect();
    let memory = MemoryRegistry::new();
    let view = runtime.block_on(async {
        for name in &names {
            for node in 0..NODES {
                let id = format!("node-{node}").parse().unwrap();
                let mut node =
                    Registration::new(name.clone(), id, "http://10.0.0.5:3000", InstanceId::random());
                node.node.metadata.insert("zone".to_owned(), "west".to_owned());
                memory.register(&node, Duration::from_secs(3600)).await.unwrap();
            }
        }
        let view = View::new(Arc::new(memory), ViewOptions::default());
        for name in &names {
            view.get(name).await.unwrap();
        }
        view
    });
    let followed: Vec<_> = runtime.block_on(async { names.iter().map(|name| view.follow(name)).collect() });
    let locked: Mutex<HashMap<ServiceName, Snapshot>> = Mutex::new(
        names
            .iter()
            .map(|name| (name.clone(), Snapshot::clone(&view.load(name).unwrap())))
            .collect(),
    );
    let ways: [(&str, Lookup<'_>); 3] = [
        (
            "View::load, by name",
            Box::new(|n| view.load(&names[n]).unwrap().nodes.len()),
        ),
        ("Followed::load", Box::new(|n| followed[n].load().nodes.len())),
        (
            "a lock and a deep copy",
            Box::new(|n| {
                let copy = locked.lock().get(&names[n]).unwrap().clone();
                black_box(copy).nodes.len()
            }),
        ),
    ];
    println!("{SERVICES} services of {NODES} nodes, one thread");
    for (name, lookup) in ways {
        let (rate, allocations) = measure(lookup);
        println!(
            "{name:<24} {:>8.2} million/s   {allocations:.1} allocations each",
            rate / 1e6
        );
    }
}
