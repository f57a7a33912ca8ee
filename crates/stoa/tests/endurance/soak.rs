//! What is remembered of very many things, in memory: no more than the configuration allows.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, and their figures"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stoa_testing::http::Connection;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::{Request, Upstream};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{ALONE, STOA};

const CLIENTS: usize = 16;
/// What `cache.memory` and `cache.answers` are set to, in MiB.
const MEMORY: u64 = 24;
const ANSWERS: u64 = 8;

/// A directory in memory where there is one: thousands of small files are written in earnest.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok());
    in_memory
        .flatten()
        .unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// Any module has a go.mod and an `.info`, and nobody has a zip.
fn answer(request: &Request) -> Reply {
    let (module, file) = request.path.split_once("/@v/").unwrap_or_default();
    match file.rsplit_once('.') {
        Some((_, "mod")) => Reply::ok(format!("module {}\n\ngo 1.21\n", &module[1..])),
        Some((version, "info")) => Reply::ok(format!(
            "{{\"Version\":\"{version}\",\"Time\":\"2024-01-02T03:04:05Z\"}}"
        )),
        _ => Reply::text(404, &format!("not found: {}\n", request.path)),
    }
}

/// Asks for the files with these numbers, by many clients at once; says how much memory was grown at most, in MiB.
async fn soak(count: usize, status: u16, path: impl Fn(usize) -> String + Send + Sync + 'static) -> u64 {
    let _alone = ALONE.lock().await;
    let (upstream, storage) = (Upstream::start().await, directory());
    upstream.answer_with(answer);
    let stoa = StoaProcess::command(STOA)
        .storage(storage.path())
        .upstream(&upstream.url())
        .env("STOA_CACHE_MEMORY", &format!("{MEMORY}MiB"))
        .env("STOA_CACHE_ANSWERS", &format!("{ANSWERS}MiB"))
        .env("STOA_LOG_ACCESS", "false")
        .start();
    let idle = stoa.rss_bytes();
    let (next, path) = (Arc::new(AtomicUsize::new(0)), Arc::new(path));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (next, path) = (Arc::clone(&next), Arc::clone(&path));
        let mut client = Connection::open(stoa.url()).await.unwrap();
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let path = path(number);
                let answer = client.send("GET", &path, &[], b"").await.unwrap();
                assert_eq!(answer.status, status, "{path}: {}", answer.text());
            }
        });
    }
    let mut most = idle;
    let mut all = std::pin::pin!(clients.join_all());
    loop {
        tokio::select! {
            _ = &mut all => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => most = most.max(stoa.rss_bytes()),
        }
    }
    let grown = most.max(stoa.rss_bytes()) - idle;
    println!(
        "{count} answers: {} KiB more than the {} KiB of an idle one",
        grown >> 10,
        idle >> 10
    );
    grown >> 20
}

/// Half as much again as what is configured.
const BOUND: u64 = (MEMORY + ANSWERS) * 3 / 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_many_modules_take_no_more_memory_than_is_configured() {
    let grown = soak(24_000, 200, |number| {
        let kind = if number % 2 == 0 { "mod" } else { "info" };
        format!("/example.com/m{}/@v/v1.0.0.{kind}", number / 2)
    });
    let grown = grown.await;
    assert!(grown < BOUND, "{grown} MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_names_of_what_is_nowhere_take_no_more_memory_than_is_configured() {
    let long = vec!["a".repeat(100); 38].join("/");
    let grown = soak(6000, 404, move |number| {
        format!("/example.com/{number}/{long}/@v/v1.0.0.zip")
    });
    let grown = grown.await;
    // No file is in memory, but some 10 MiB are what requests need while they are under way.
    assert!(grown < ANSWERS * 3, "{grown} MiB");
}
