//! What durable jobs promise, held against `stoa serve` itself: killed, frozen, shut down and cut off from its store, alone and
//! as one of several nodes, with jobs in files and in the real Redis.
//!
//! The waits of these checks overlap if more of them run at a time than there are cores: `RUST_TEST_THREADS=8`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

/// Makes two tests of each check: with jobs in files, and in Redis.
macro_rules! on_each_store {
    ($($check:ident),+ $(,)?) => {$(
        mod $check {
            use crate::scene::Kind;

            #[tokio::test(flavor = "multi_thread")]
            async fn on_files() {
                super::$check(Kind::Files).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_redis() {
                super::$check(Kind::Redis).await;
            }
        }
    )+};
}

/// Makes one test of each check, which holds with both stores at a time: for those that take long.
macro_rules! on_both_stores {
    ($($check:ident),+ $(,)?) => {$(
        mod $check {
            use crate::scene::Kind;

            #[tokio::test(flavor = "multi_thread")]
            async fn on_files_and_redis() {
                tokio::join!(super::$check(Kind::Files), super::$check(Kind::Redis));
            }
        }
    )+};
}

mod batch;
mod callbacks;
mod clocks;
mod disk;
mod downloader;
mod frozen;
mod killed;
mod limits;
mod poison;
mod redis_away;
mod resumed;
mod retries;
mod scene;
mod shares;
mod shutdown;
mod versions;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");
