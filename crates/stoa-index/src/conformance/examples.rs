//! What the checks are made with.

use stoa_module::{ModulePath, ModuleVersion, Version, dirhash::H1};

use crate::{FileKind, Index, IndexEntry, IndexEvent, Origin, Stored, Timestamp, Verifier};

pub(super) fn target(module: &str, version: &str) -> ModuleVersion {
    let module = ModulePath::parse(module).expect("a path");
    ModuleVersion::new(module, Version::parse(version).expect("a version")).expect("they fit")
}

pub(super) fn module(path: &str) -> ModulePath {
    ModulePath::parse(path).expect("a path")
}

pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A file of a version that was just stored, with nothing known of it but its size.
pub(super) fn bare(target: &ModuleVersion, kind: FileKind, size: u64) -> Stored {
    Stored {
        target: target.clone(),
        kind,
        size,
        h1: None,
        origin: None,
        verified_by: None,
        found: None,
    }
}

pub(super) fn stored(target: &ModuleVersion, kind: FileKind, size: u64) -> IndexEvent {
    IndexEvent::Stored(bare(target, kind, size))
}

pub(super) fn found(target: &ModuleVersion, kind: FileKind, size: u64, micros: i64) -> IndexEvent {
    IndexEvent::Stored(Stored {
        found: Some(at(micros)),
        ..bare(target, kind, size)
    })
}

pub(super) fn used(target: &ModuleVersion, micros: i64) -> IndexEvent {
    IndexEvent::Used {
        target: target.clone(),
        at: at(micros),
    }
}

pub(super) fn removed(target: &ModuleVersion, kind: FileKind) -> IndexEvent {
    IndexEvent::Removed {
        target: target.clone(),
        kind,
    }
}

pub(super) fn origin(text: &str) -> Origin {
    Origin::new(text).expect("an origin")
}

pub(super) fn verifier(text: &str) -> Verifier {
    Verifier::new(text).expect("a verifier")
}

pub(super) fn h1(byte: u8) -> H1 {
    H1::from_bytes([byte; 32])
}

pub(super) async fn record(index: &dyn Index, events: &[IndexEvent]) {
    index.record(events).await.expect("records");
}

pub(super) async fn get(index: &dyn Index, target: &ModuleVersion) -> IndexEntry {
    let entry = index.get(target).await.expect("looks");
    entry.unwrap_or_else(|| panic!("{target} is there"))
}

/// The versions that are listed, in their order.
pub(super) async fn listed(index: &dyn Index) -> Vec<String> {
    let listed = index.since(Timestamp::ZERO, 5_000).await.expect("lists");
    assert!(listed.is_sorted_by(|one, other| one.at < other.at), "{listed:?}");
    listed.iter().map(|listed| listed.target.to_string()).collect()
}

pub(super) async fn catalog(index: &dyn Index) -> Vec<String> {
    let catalog = index.catalog(None, 5_000).await.expect("lists");
    catalog.iter().map(ToString::to_string).collect()
}

/// Modules, versions, files and bytes.
pub(super) async fn totals(index: &dyn Index) -> [u64; 4] {
    let totals = index.totals().await.expect("sums");
    [totals.modules, totals.versions, totals.files, totals.bytes]
}
