//! Very many servers.

use std::{sync::Arc, time::Instant};

use stoa_dispatch::Pool;
use tokio::{runtime::Handle, task::JoinSet};

use crate::{
    lab::{alone, builder, eventually, fds, fetch, once, rss_kib},
    origin::Origin,
};

const HOSTS: u32 = 50_000;
const CALLERS: u32 = 32;
const LANES: usize = 512;

#[derive(Clone, Copy, Debug)]
struct Size {
    lanes: usize,
    tasks: usize,
    fds: usize,
    rss_kib: u64,
}

fn size(pool: &Pool) -> Size {
    Size {
        lanes: pool.lanes().len(),
        tasks: Handle::current().metrics().num_alive_tasks(),
        fds: fds(),
        rss_kib: rss_kib(),
    }
}

/// Asks the servers of these numbers, each at an address of its own.
async fn ask(pool: &Pool, port: u16, numbers: std::ops::Range<u32>) {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (pool, numbers) = (pool.clone(), numbers.clone());
        callers.spawn(async move {
            for number in numbers.skip(caller as usize).step_by(CALLERS as usize) {
                let [_, x, y, z] = number.to_be_bytes();
                let url = format!("http://127.{}.{y}.{z}:{port}/", x + 1);
                assert_eq!(fetch(&pool, &url).await.expect("answer"), (200, 2));
            }
        });
    }
    callers.join_all().await;
}

/// Each lane has a connection, and both ends of it are here.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit
        .maximum
        .map_or(Some(4096), |maximum| Some(maximum.min(4096)))
        .max(limit.current);
    setrlimit(Resource::Nofile, limit).expect("a higher limit of open files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_thousand_servers_cost_no_more_than_the_lanes_that_are_allowed() {
    let _alone = alone().await;
    allow_many_files();
    let origin = Origin::everywhere().await;
    let pool = builder(once()).max_lanes(LANES).start();
    let began = Instant::now();
    let mut sizes = Vec::new();
    for tenth in 0..10 {
        let next = HOSTS / 10;
        ask(&pool, origin.port(), tenth * next..(tenth + 1) * next).await;
        sizes.push(size(&pool));
    }
    println!("{HOSTS} hosts in {:?}: {sizes:#?}", began.elapsed());
    let (first, last) = (sizes[0], sizes[9]);
    assert!(sizes.iter().all(|size| size.lanes <= LANES), "{sizes:?}");
    assert!(last.rss_kib < first.rss_kib + 16 * 1024, "{first:?}, {last:?}");
    let flat = || size(&pool).tasks <= first.tasks + 64 && size(&pool).fds <= 2 * LANES + 100;
    eventually("tasks and open files are as many as at first", flat).await;
    let (_, gone) = pool.totals();
    let kept: u64 = pool.lanes().iter().map(|lane| lane.counts.succeeded).sum();
    assert_eq!(
        gone.succeeded + kept,
        u64::from(HOSTS),
        "no count is lost with its lane"
    );
    let alive = Arc::new(pool);
    alive.abort().await.expect("first close");
    drop(alive);
    eventually("the connections go with the pool", || fds() < 100).await;
}
