//! Hits while everything else hangs.

use std::time::{Duration, Instant};

use stoa_testing::fixtures::{ModuleFixture, large_zip_fixture};
use stoa_testing::http::{Connection, Streaming};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;
use tokio::task::JoinSet;

use crate::{ALONE, STOA};

const HANGING: usize = 50;
const HITS: usize = 400;

/// The slowest of a hundred may take as long.
const P99: Duration = Duration::from_millis(50);

/// A file that is served from storage each time, since it is too large for memory.
const STORED_ZIP: u64 = 3 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn misses_that_hang_do_not_delay_hits() {
    let _alone = ALONE.lock().await;
    let upstream = Upstream::start().await;
    let small = ModuleFixture::new("example.com/small", "v1.0.0").file("small.go", "package small\n");
    let large = large_zip_fixture("example.com/large", "v1.0.0", STORED_ZIP);
    upstream.modules([&small, &large]);
    let directory = tempfile::tempdir().unwrap();
    let stoa = StoaProcess::start(STOA, directory.path(), &upstream.url(), &[]);
    let paths = [
        small.url_path("info"),
        small.url_path("mod"),
        small.url_path("zip"),
        "/example.com/small/@v/list".to_owned(),
        large.url_path("zip"),
    ];
    let mut client = Connection::open(stoa.url()).await.unwrap();
    for path in &paths {
        assert_eq!(
            client.send("GET", path, &[], b"").await.unwrap().status,
            200,
            "{path}"
        );
    }

    let mut hanging = JoinSet::new();
    for i in 0..HANGING {
        // One in three gets a head and then nothing, as a transfer that stalls.
        let (kind, reply) = match i % 3 {
            0 => ("zip", Reply::HangAfterHeaders { announce: 1 << 20 }),
            1 => ("zip", Reply::Hang),
            _ => ("mod", Reply::Hang),
        };
        let path = format!("/example.com/hangs{i}/@v/v1.0.0.{kind}");
        upstream.on(&path, reply);
        let url = format!("{}{path}", stoa.url());
        hanging.spawn(async move { Streaming::open(&url, &[]).await?.digest().await });
    }
    // As many as the modules of one host have a turn at one upstream; the others stand in line behind them.
    let full = async {
        while upstream.total() < paths.len() + 15 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), full).await;
    assert!(
        in_time.is_ok(),
        "only {} requests reached the upstream",
        upstream.total()
    );

    for path in &paths {
        let mut times = Vec::with_capacity(HITS);
        for _ in 0..HITS {
            let asked = Instant::now();
            let response = client.send("GET", path, &[], b"").await.unwrap();
            times.push(asked.elapsed());
            assert!(
                response.status == 200 && response.is_clean(),
                "{path}: {}",
                response.status
            );
        }
        times.sort();
        let p99 = times[HITS * 99 / 100];
        println!("{path}: median {:?}, p99 {p99:?}", times[HITS / 2]);
        assert!(p99 < P99, "{path}: p99 is {p99:?}");
    }
    assert!(hanging.try_join_next().is_none(), "they hang no more");
}
