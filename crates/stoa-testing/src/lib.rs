//! What tests of stoa stand on; never shipped.
//!
//! Only what is outside our control is faked, and that at the socket. The rest is the real thing:
//!
//! - [`upstream::Upstream`]: a scripted module proxy with exact faults (resets, stalls, truncation,
//!   gates), a log of what it was asked and events to wait for instead of sleeping;
//! - [`fixtures`]: modules built byte by byte without the code under test, from a workspace that
//!   exercises the go command's resolver to zips of half a gigabyte that are never in memory;
//! - [`go::GoClient`]: the real go command, isolated from the machine, with snapshots of its cache;
//! - [`process::StoaProcess`]: the real binary on port 0, with its log, its memory and its signals;
//! - [`http`]: a client that tells whether a body ended cleanly and can hang up in the middle;
//! - [`sum_database::SumDatabase`]: a checksum database with a key of its own, honest until a test makes it misbehave;
//! - [`vcweb::VcWeb`]: Go's own stand-in for vcs-test.golang.org, with repositories of five systems;
//! - [`vectors`]: answers printed by Go's own code, which ours must be;
//! - [`zip`]: what is in a zip, and its h1, by another reader;
//! - [`git_http::GitHttp`] and [`sshd::Sshd`]: git over HTTP and over ssh, with access control;
//! - [`redis::Redis`] and [`etcd::Etcd`]: the real Redis and the real etcd, killed and started again;
//! - [`buckets`]: services that keep objects: Ceph's S3, moto, Azurite, and a stand-in for Google's;
//! - [`postgres::Postgres`] and [`mariadb::MariaDb`]: the real databases, in the same way;
//! - [`relay::Relay`]: a server of any system, in whose answers one thing is wrong;
//! - [`small_disk`]: a test again, with a disk on which there is little room;
//! - [`scene::Scene`]: the upstream, the example and the binary put together.
//!
//! Everything here is bounded: a wait that goes unanswered fails the test and says what was seen.
//! Deadlines are real time, so these tools do not belong in tests that pause tokio's clock.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::format_push_string,
    clippy::print_stdout,
    reason = "this crate runs in tests only: a panic is how it reports a failure, an allocation is cheap, and a skipped \
              test must not look like one that ran"
)]

pub mod buckets;
pub mod content;
mod database;
pub mod etcd;
pub mod fixtures;
pub mod gate;
pub mod git_http;
pub mod go;
pub mod http;
pub mod mariadb;
pub mod mongo;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod relay;
pub mod reply;
pub mod scene;
pub mod small_disk;
pub mod sshd;
pub mod sum_database;
pub mod upstream;
pub mod vcweb;
pub mod vectors;
pub mod zip;
