use stoa_module::{ModulePath, Version};

use super::*;

use crate::{FileKind, Origin};

fn target(module: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(
        ModulePath::parse(module).unwrap(),
        Version::parse(version).unwrap(),
    )
    .unwrap()
}

fn stored(module: &str, kind: FileKind, size: u64) -> IndexEvent {
    IndexEvent::Stored(Stored {
        target: target(module, "v1.0.0"),
        kind,
        size,
        h1: None,
        origin: Some(Origin::new("somewhere").unwrap()),
        verified_by: None,
        found: None,
    })
}

fn is_empty(changes: &Changes) -> bool {
    let rows = changes.rows.is_empty() && changes.rows_gone.is_empty();
    rows && changes.modules.is_empty() && changes.modules_gone.is_empty() && changes.meta.is_none()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

#[test]
fn moments_increase_though_the_clock_stands() {
    let mut batch = Batch::new(at(5), Meta::default(), vec![], vec![]);
    for module in ["a.b/c", "a.b/d", "a.b/e"] {
        batch.apply(&[stored(module, FileKind::Zip, 1)]);
    }
    let mut moments: Vec<_> = batch
        .changes()
        .rows
        .iter()
        .map(|row| (row.entry.first_seen, row.entry.listed))
        .collect();
    moments.sort_unstable();
    assert_eq!(
        moments,
        [(at(5), Some(at(6))), (at(7), Some(at(8))), (at(9), Some(at(10)))]
    );
}

#[test]
fn the_same_again_is_nothing_to_write() {
    let events = [
        stored("a.b/c", FileKind::Mod, 3),
        stored("a.b/c", FileKind::Zip, 9),
    ];
    let mut batch = Batch::new(at(5), Meta::default(), vec![], vec![]);
    batch.apply(&events);
    let changes = batch.changes();
    let meta = changes.meta.unwrap();
    assert_eq!(
        (
            meta.totals.modules,
            meta.totals.versions,
            meta.totals.files,
            meta.totals.bytes
        ),
        (1, 1, 2, 12)
    );
    let mut batch = Batch::new(at(9), meta, changes.rows, changes.modules);
    batch.apply(&events);
    assert!(is_empty(&batch.changes()));
}

#[test]
fn what_was_made_and_removed_within_a_batch_leaves_only_its_moment() {
    let mut batch = Batch::new(at(5), Meta::default(), vec![], vec![]);
    batch.apply(&[stored("a.b/c", FileKind::Info, 3)]);
    batch.apply(&[IndexEvent::Removed {
        target: target("a.b/c", "v1.0.0"),
        kind: FileKind::Info,
    }]);
    let changes = batch.changes();
    assert!(changes.rows.is_empty() && changes.rows_gone.is_empty() && changes.modules.is_empty());
    assert_eq!(changes.meta.unwrap().totals, crate::Totals::default());
}

#[test]
fn names_that_are_too_long_leave_no_trace() {
    let long = format!("a.b/{}", "x/".repeat(1_100)) + "y";
    let events = [stored(&long, FileKind::Zip, 1)];
    assert_eq!(targets(&events).unwrap(), []);
    let mut batch = Batch::new(at(5), Meta::default(), vec![], vec![]);
    batch.apply(&events);
    assert!(is_empty(&batch.changes()));
}
