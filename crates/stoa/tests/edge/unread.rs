//! Answers over HTTP/2 that nobody reads: what they cost, and that others and they themselves go on.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use stoa_testing::content::{Content, hex};
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::scene::Scene;
use tokio::task::JoinSet;

use crate::flight::held_in_the_middle;
use crate::raw_http2::{DATA, RawHttp2};
use crate::support::{eventually, get, limited, scene};

const HOST: &str = "localhost";
const MIB: u64 = 1 << 20;
/// A window that lets everything through.
const OPEN: u32 = (1 << 31) - 1;
/// What RFC 9113 gives a connection at first.
const FIRST: u32 = 65_535;
const STREAMS: u32 = 100;

/// A zip that is larger than what hot memory keeps.
async fn stored(scene: &Scene, stoa: &StoaProcess) -> ModuleFixture {
    let module = ModuleFixture::new("example.com/large", "v1.0.0").file("data", Content::random(3 * MIB, 7));
    scene.upstream.module(&module);
    assert_eq!(get(stoa, &module.url_path("zip")).await.status, 200);
    module
}

/// Connections that ask for a path on all of their streams, with this window for each.
async fn asking(stoa: &StoaProcess, count: usize, window: u32, path: &str) -> Vec<RawHttp2> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = RawHttp2::open(stoa, window).await;
        client.take(0, OPEN - FIRST).await;
        for stream in 0..STREAMS {
            client.ask(2 * stream + 1, HOST, path).await;
        }
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn unread_answers_leave_descriptors_for_others_and_go_on_when_they_are_read() {
    let scene = scene();
    let stoa = limited(&scene, "ulimit -n 256").start();
    let module = stored(&scene, &stoa).await;
    let quiet = stoa.open_files();
    let mut clients = asking(&stoa, 4, 1, &module.url_path("zip")).await;
    for client in &mut clients {
        for _ in 0..STREAMS {
            assert_eq!(client.next_of(DATA).await.expect("one byte").payload.len(), 1);
        }
    }
    // An eighth of the descriptors is for files that are being read.
    let open = stoa.open_files();
    println!("{open} descriptors for 400 unread answers, {quiet} without");
    assert!(
        open <= quiet + clients.len() + 256 / 8 + 4,
        "{open} descriptors, {quiet} before"
    );
    assert_eq!(get(&stoa, "/readyz").await.status, 200);
    for kind in ["info", "mod", "zip"] {
        let answer = get(&stoa, &scene.greet().url_path(kind)).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
    }
    // One that was closed meanwhile is what it would have been.
    let client = &mut clients[0];
    client.take(1, OPEN - 1).await;
    let mut digest = Sha256::new();
    digest.update(&module.zip().to_bytes()[..1]);
    loop {
        let data = client.next_of(DATA).await.expect("more of it");
        assert_eq!(data.stream, 1);
        digest.update(&data.payload);
        if data.is_last() {
            break;
        }
    }
    assert_eq!(hex(&digest.finalize()), module.zip().sha256());
    drop(clients);
    eventually("all files to be closed", async || {
        (stoa.open_files() <= quiet).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_answers_with_wide_windows_keep_no_more_memory_than_there_is_room_for() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_EDGE_READ_AHEAD", "1MiB"), ("STOA_CACHE_MEMORY", "1MiB")]);
    let module = stored(&scene, &stoa).await;
    let idle = stoa.rss_bytes();
    let mut clients = asking(&stoa, 8, OPEN, &module.url_path("zip")).await;
    let mut before = 0;
    eventually("the server to wait for its clients", async || {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let now = stoa.rss_bytes();
        (now == std::mem::replace(&mut before, now)).then_some(())
    })
    .await;
    let more = stoa.peak_rss_bytes().saturating_sub(idle);
    println!("{} unread answers: {} MiB more", 8 * STREAMS, more / MIB);
    // At 256 KiB for each answer that were 200 MiB.
    assert!(more < 64 * MIB, "{} MiB more", more / MIB);

    // All of them are whole when they are read.
    let mut reading = JoinSet::new();
    for mut client in clients.drain(..2) {
        let len = module.zip().len();
        reading.spawn(async move {
            let mut left: HashMap<u32, u64> = (0..STREAMS).map(|stream| (2 * stream + 1, len)).collect();
            while !left.is_empty() {
                let data = client.next_of(DATA).await.expect("more of it");
                let rest = left.get_mut(&data.stream).expect("an answer that has not ended");
                *rest -= data.payload.len() as u64;
                client
                    .take(0, u32::try_from(data.payload.len()).unwrap().max(1))
                    .await;
                if data.is_last() {
                    assert_eq!(left.remove(&data.stream), Some(0));
                }
            }
        });
    }
    while let Some(read) = reading.join_next().await {
        read.unwrap();
    }
}

/// All that comes on these streams is taken at once, until each of them has ended; the bytes of each.
async fn read_all(client: &mut RawHttp2, streams: &[u32]) -> HashMap<u32, Vec<u8>> {
    let mut read: HashMap<u32, Vec<u8>> = HashMap::new();
    let mut left = streams.len();
    while left > 0 {
        let data = client.next_of(DATA).await.expect("more");
        let taken = u32::try_from(data.payload.len()).unwrap();
        read.entry(data.stream).or_default().extend(&data.payload);
        if taken > 0 {
            client.take(0, taken).await;
            if !data.is_last() {
                client.take(data.stream, taken).await;
            }
        }
        left -= usize::from(data.is_last() && streams.contains(&data.stream));
    }
    read
}

/// A server with this room, and what it has stored.
async fn with_room(room: &[(&str, &str)]) -> (Scene, StoaProcess, ModuleFixture) {
    let scene = scene();
    let stoa = scene.start_with(room);
    let module = stored(&scene, &stoa).await;
    (scene, stoa, module)
}

/// With room for what is read, and without any, so that answers go on one after the other.
const ROOMS: [&[(&str, &str)]; 2] = [&[], &[("STOA_EDGE_READ_AHEAD", "0"), ("STOA_CACHE_MEMORY", "0")]];

#[tokio::test]
async fn answers_that_wait_for_their_source_leave_the_connection_to_others() {
    for room in ROOMS {
        let (scene, stoa, module) = with_room(room).await;
        let (growing, gate) = held_in_the_middle(&scene);
        // Windows as most clients have them: a few waiting answers could fill that of the connection.
        let mut client = RawHttp2::open(&stoa, FIRST).await;
        for stream in 0..8 {
            client.ask(2 * stream + 1, HOST, &growing.url_path("zip")).await;
        }
        let mut begun = HashMap::new();
        let there = growing.zip().len() - (512 << 10);
        while begun.len() < 8 || begun.values().any(|read| *read < there) {
            let data = client.next_of(DATA).await.expect("what is there already");
            let taken = u32::try_from(data.payload.len()).unwrap();
            *begun.entry(data.stream).or_insert(0) += u64::from(taken);
            client.take(0, taken).await;
            client.take(data.stream, taken).await;
        }
        client.ask(101, HOST, &module.url_path("zip")).await;
        client.ask(103, HOST, "/healthz").await;
        let read = read_all(&mut client, &[101, 103]).await;
        assert_eq!(read[&101], module.zip().to_bytes(), "{room:?}");
        assert_eq!(gate.arrivals(), 1);
        gate.release();
        let streams: Vec<_> = (0..8).map(|stream| 2 * stream + 1).collect();
        let rest = read_all(&mut client, &streams).await;
        for (stream, rest) in rest {
            assert_eq!(
                begun[&stream] + rest.len() as u64,
                growing.zip().len(),
                "{room:?}"
            );
        }
    }
}

#[tokio::test]
async fn answers_of_unknown_length_and_stored_ones_do_not_wait_for_one_another() {
    for room in ROOMS {
        let (scene, stoa, module) = with_room(room).await;
        let chunked =
            ModuleFixture::new("example.com/chunked", "v1.0.0").file("data", Content::random(3 * MIB, 8));
        scene.upstream.module(&chunked);
        scene
            .upstream
            .on(&chunked.url_path("zip"), Reply::Chunked(chunked.zip()));
        let mut client = RawHttp2::open(&stoa, FIRST).await;
        client.ask(1, HOST, &chunked.url_path("zip")).await;
        let streams: Vec<u32> = (0..31).map(|stream| 2 * stream + 1).collect();
        for stream in &streams[1..] {
            client.ask(*stream, HOST, &module.url_path("zip")).await;
        }
        let read = read_all(&mut client, &streams).await;
        for (stream, bytes) in read {
            let want = if stream == 1 { chunked.zip() } else { module.zip() };
            assert_eq!(bytes, want.to_bytes(), "{room:?} {stream}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_one_user_does_not_read_leaves_the_connection_to_the_others() {
    for room in ROOMS {
        let (_scene, stoa, module) = with_room(room).await;
        let mut client = RawHttp2::open(&stoa, 100_000).await;
        client.ask(1, HOST, &module.url_path("zip")).await;
        let mut unread = 0;
        while unread < 100_000 {
            let data = client.next_of(DATA).await.expect("as far as the window allows");
            unread += data.payload.len();
            client.take(0, u32::try_from(data.payload.len()).unwrap()).await;
        }
        for stream in [3, 5, 7] {
            client.ask(stream, HOST, &module.url_path("zip")).await;
        }
        let read = read_all(&mut client, &[3, 5, 7]).await;
        assert!(
            read.values().all(|bytes| *bytes == module.zip().to_bytes()),
            "{room:?}"
        );
    }
}
