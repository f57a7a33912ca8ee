//! Clients that stop reading: they hold nothing that others wait for, little memory, and not for long.

use std::time::{Duration, Instant};

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http::{BodyEnd, Connection, Streaming};
use stoa_testing::process::StoaProcess;
use stoa_testing::scene::Scene;
use tokio::task::JoinSet;

use crate::raw_http2::{DATA, GOAWAY, MAX_CONCURRENT_STREAMS, RST_STREAM, RawHttp2};
use crate::support::{eventually, get, scene};

const HOST: &str = "localhost";
const MIB: u64 = 1 << 20;

/// A zip that no buffer on its way holds.
fn large(scene: &Scene, mib: u64) -> ModuleFixture {
    let module =
        ModuleFixture::new("example.com/large", "v1.0.0").file("data", Content::random(mib * MIB, 7));
    scene.upstream.module(&module);
    module
}

async fn stored(scene: &Scene, module: &ModuleFixture) {
    let file = scene.storage().join(&module.url_path("zip")[1..]);
    eventually("the zip to be stored", async || {
        std::fs::exists(&file).unwrap().then_some(())
    })
    .await;
}

/// Misses are answered soon, while nobody has read more.
async fn assert_misses_are_answered(scene: &Scene, stoa: &StoaProcess) {
    // The file is there a little before the transfer has ended.
    eventually("a miss to be let in", async || {
        let answer = get(stoa, &scene.greet().url_path("info")).await;
        (answer.status == 200).then_some(())
    })
    .await;
    for kind in ["info", "mod", "zip"] {
        let answer = get(stoa, &scene.greet().url_path(kind)).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
    }
}

#[tokio::test]
async fn http2_readers_that_stop_hold_no_permit_of_what_is_stored() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_POOL_REQUESTS", "4")]);
    let module = large(&scene, 3);
    let mut client = RawHttp2::open(&stoa, 0).await;
    for stream in 0..4 {
        client.ask(2 * stream + 1, HOST, &module.url_path("zip")).await;
    }
    stored(&scene, &module).await;
    assert_misses_are_answered(&scene, &stoa).await;
    assert_eq!(scene.upstream.count(&module.url_path("zip")), 1);
}

#[tokio::test]
async fn http1_readers_that_stop_hold_no_permit_of_what_is_stored() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_POOL_REQUESTS", "4")]);
    let module = large(&scene, 24);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Connection::open(stoa.url()).await.unwrap();
        client
            .write_request("GET", &module.url_path("zip"), &[], b"")
            .await
            .unwrap();
        clients.push(client);
    }
    stored(&scene, &module).await;
    assert_misses_are_answered(&scene, &stoa).await;
}

#[tokio::test]
async fn an_http1_reader_that_stops_is_cut_and_a_slow_one_is_not() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_EDGE_WRITE_TIMEOUT", "3s")]);
    let module = large(&scene, 24);
    let url = format!("{}{}", stoa.url(), module.url_path("zip"));
    assert_eq!(get(&stoa, &module.url_path("zip")).await.status, 200);
    let quiet = stoa.open_files();

    let mut stopped = Streaming::open(&url, &[]).await.unwrap();
    let started = Instant::now();
    let mut slow = Streaming::open(&url, &[("X-Request-Id", "slow")]).await.unwrap();
    let mut read = 0;
    while slow.next().await.unwrap().is_some() {
        if slow.received() > read + MIB {
            read = slow.received();
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    assert_eq!(slow.end(), Some(BodyEnd::Clean), "after {:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_secs(4), "it was not slow");
    assert_eq!(slow.received(), module.zip().len());
    drop(slow);

    stoa.wait_for_log("cut=true");
    eventually("the zip and its connection to be closed", async || {
        (stoa.open_files() <= quiet).then_some(())
    })
    .await;
    // What had been sent before can be read, and never looks like the whole.
    if let Ok(digest) = stopped.digest().await {
        assert!(matches!(digest.end, BodyEnd::Cut { .. }), "{:?}", digest.end);
    }
}

#[tokio::test]
async fn an_http2_connection_none_of_whose_streams_moves_is_closed() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_EDGE_WRITE_TIMEOUT", "1s")]);
    let module = large(&scene, 3);
    assert_eq!(get(&stoa, &module.url_path("zip")).await.status, 200);
    // A file that is answered from hot memory, and one that is streamed.
    let small = scene.greet().url_path("zip");
    assert_eq!(get(&stoa, &small).await.status, 200);
    let quiet = stoa.open_files();
    let started = Instant::now();
    let mut client = RawHttp2::open(&stoa, 0).await;
    for stream in 0..8 {
        let path = if stream % 2 == 0 {
            module.url_path("zip")
        } else {
            small.clone()
        };
        client.ask(2 * stream + 1, HOST, &path).await;
    }
    assert!(client.next_of(GOAWAY).await.is_some(), "it is told why");
    client.closed().await;
    let took = started.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_secs(20),
        "{took:?}"
    );
    eventually("the zips and the connection to be closed", async || {
        (stoa.open_files() <= quiet).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_http2_stream_that_stops_is_reset_and_those_that_move_go_on() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_EDGE_WRITE_TIMEOUT", "1s")]);
    let module = large(&scene, 3);
    let path = module.url_path("zip");
    assert_eq!(get(&stoa, &path).await.status, 200);
    let mut client = RawHttp2::open(&stoa, 0).await;
    client.ask(1, HOST, &path).await;
    client.ask(3, HOST, &path).await;
    let started = Instant::now();
    let reset = loop {
        client.take(3, 1).await;
        // The window of the connection is not to end before.
        client.take(0, 1).await;
        match tokio::time::timeout(Duration::from_millis(50), client.next()).await {
            Ok(Some(frame)) if frame.kind == RST_STREAM => break frame,
            Ok(None) => panic!("the connection was closed after {:?}", started.elapsed()),
            _ => assert!(started.elapsed() < Duration::from_secs(60), "nothing was reset"),
        }
    };
    assert_eq!(reset.stream, 1);
    assert!(
        started.elapsed() > Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
    // The other one is whole in the end.
    client.take(0, 1 << 30).await;
    client.take(3, 1 << 30).await;
    let mut data = client.next_of(DATA).await.expect("data");
    while !data.is_last() {
        data = client.next_of(DATA).await.expect("data");
    }
    assert_eq!(data.stream, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_one_byte_cost_little_memory() {
    let scene = scene();
    let stoa = scene.start();
    let module = large(&scene, 8);
    assert_eq!(get(&stoa, &module.url_path("zip")).await.status, 200);
    let idle = stoa.rss_bytes();
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let mut client = RawHttp2::open(&stoa, 1).await;
        let path = module.url_path("zip");
        clients.spawn(async move {
            let streams = client.setting(MAX_CONCURRENT_STREAMS).await.expect("a bound");
            for stream in 0..streams {
                client.ask(2 * stream + 1, HOST, &path).await;
            }
            for _ in 0..streams {
                client.next_of(DATA).await.expect("one byte");
            }
            (client, streams)
        });
    }
    let clients = clients.join_all().await;
    assert!(clients.iter().all(|(_, streams)| *streams == 100));
    // Whatever would be read ahead has been: another client gets all of it meanwhile.
    assert_eq!(
        get(&stoa, &module.url_path("zip")).await.body.len() as u64,
        module.zip().len()
    );
    let more = stoa.peak_rss_bytes().saturating_sub(idle);
    println!("1600 streams with a window of one byte: {} MiB more", more / MIB);
    // Read ahead as it once was, that were 400 MiB.
    assert!(more < 160 * MIB, "{} MiB more", more / MIB);
}
