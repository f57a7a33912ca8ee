//! The index, as its users see it.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests print the seed, and report a failure by a panic"
)]

mod memory;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod servers;
#[cfg(feature = "sqlite")]
mod sqlite;

use stoa_index::{FileKind, IndexEvent, Stored};
use stoa_module::{ModulePath, ModuleVersion, Version};

/// A seed of this run, which is printed.
fn seed() -> u64 {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    seed
}

fn target(module: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(
        ModulePath::parse(module).unwrap(),
        Version::parse(version).unwrap(),
    )
    .unwrap()
}

/// A zip of one byte that has just been stored.
fn zip(module: &str, version: &str) -> IndexEvent {
    IndexEvent::Stored(Stored {
        target: target(module, version),
        kind: FileKind::Zip,
        size: 1,
        h1: None,
        origin: None,
        verified_by: None,
        found: None,
    })
}
