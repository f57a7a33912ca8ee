//! Bodies that are not read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use stoa_dispatch::{Discard, Drain, EventKind, Pool};
use stoa_testing::{reply::Reply, upstream::Upstream};
use tokio::task::JoinSet;

use crate::lab::{Log, PATIENCE, alone, best_of, builder, eventually, fds, get, permits};

/// A byte every second, for ever as far as anybody here waits.
fn drip() -> Reply {
    Reply::Drip {
        body: vec![b'x'; 10_000].into(),
        chunk: 1,
        every: Duration::from_secs(1),
    }
}

async fn close(pool: &Pool) {
    pool.close(Drain { timeout: PATIENCE })
        .await
        .expect("first close");
}

/// From the start of one request to the start of the next, with one permit.
async fn permit_taken(reply: Reply) -> Duration {
    let upstream = Upstream::start().await;
    upstream.on("/first", reply).on("/second", Reply::ok("ok"));
    let log = Arc::new(Log::default());
    let pool = builder(permits(1)).listener(Arc::clone(&log) as _).start();
    for path in ["/first", "/second"] {
        let task = get(&(upstream.url() + path));
        pool.send(task, Discard).await.expect("taken");
    }
    close(&pool).await;
    let starts: Vec<Instant> = log
        .all()
        .into_iter()
        .filter(|(_, event)| matches!(event.kind, EventKind::Start { .. }))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(starts.len(), 2);
    upstream.hung_up("/first", 1).await;
    starts[1] - starts[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_body_frees_its_permit_in_less_than_300_ms() {
    let _alone = alone().await;
    for reply in [Reply::Endless, drip(), Reply::HangAfterHeaders { announce: 10 }] {
        let taken = best_of(3, async || permit_taken(reply.clone()).await).await;
        assert!(taken < Duration::from_millis(300), "{reply:?}: {taken:?}");
        println!("permit of an unread body: {taken:?}");
    }
}

/// Discards so many responses, and says how many files are open when all is over.
async fn discard(pool: &Pool, upstream: &Upstream, path: &str, count: usize) -> usize {
    let url = upstream.url() + path;
    let before = upstream.hang_ups(path);
    for _ in 0..count {
        pool.send(get(&url), Discard).await.expect("taken");
    }
    let all_over = || pool.outstanding() == 0;
    eventually("every task ends", all_over).await;
    upstream.hung_up(path, before + count).await;
    fds()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_unread_bodies_leave_no_file_open() {
    let _alone = alone().await;
    let upstream = Upstream::start().await;
    upstream.on("/endless", Reply::Endless).on("/drip", drip());
    let pool = builder(permits(32)).start();
    let warm = discard(&pool, &upstream, "/endless", 100).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        discard(&pool, &upstream, "/endless", 1920).await;
        open.push(discard(&pool, &upstream, "/drip", 80).await);
    }
    assert_eq!(upstream.total(), 10_100);
    println!("open files after 100, 2100, ... 10100 unread bodies: {warm}, {open:?}");
    eventually("no more files than at first", || fds() <= warm + 2).await;
    close(&pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_read_nothing_and_let_go_leave_nothing() {
    let _alone = alone().await;
    let upstream = Upstream::start().await;
    upstream.on("/endless", Reply::Endless);
    let pool = builder(permits(16)).start();
    let url = upstream.url() + "/endless";
    drop(pool.call(get(&url)).await.expect("head"));
    upstream.hung_up("/endless", 1).await;
    let before = fds();
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let (pool, url) = (pool.clone(), url.clone());
        callers.spawn(async move {
            for _ in 0..30 {
                drop(pool.call(get(&url)).await.expect("head"));
            }
        });
    }
    callers.join_all().await;
    upstream.hung_up("/endless", 481).await;
    assert_eq!(pool.outstanding(), 0);
    eventually("all connections are closed", || fds() <= before + 2).await;
}
