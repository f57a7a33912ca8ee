//! Full disks.

use super::*;
use crate::download::testing::Disk;

const OPTIONS: DiskOptions = DiskOptions {
    interval: Duration::from_secs(5),
    high: 95.0,
    low: 90.0,
    min_free: 0,
};

fn space(used: u64, free: u64) -> Space {
    Space {
        used_bytes: used,
        free_bytes: free,
        ..Space::default()
    }
}

fn guard(disk: &Disk, options: DiskOptions) -> (Arc<DiskGuard>, Gate) {
    let volumes = ["temporary files", "downloads"].map(|name| Volume {
        name: name.into(),
        path: name.into(),
    });
    DiskGuard::new(volumes.into(), options, Arc::new(disk.clone()))
}

fn reason(gate: &Gate) -> Option<String> {
    gate.closed().map(|failure| {
        assert_eq!(&*failure.class, "disk");
        failure.text.to_string()
    })
}

#[tokio::test]
async fn the_gate_closes_at_the_high_mark_and_opens_at_the_low_one() {
    let disk = Disk::new(space(10, 90));
    let (guard, gate) = guard(&disk, OPTIONS);
    let mut seen = Vec::new();
    for used in [94, 95, 94, 91, 90, 91, 94, 96, 89] {
        disk.set("downloads", Ok(space(used, 100 - used)));
        guard.measure_now().await;
        seen.push(reason(&gate).is_some());
    }
    assert_eq!(seen, [false, true, true, true, false, false, false, true, false]);
}

#[tokio::test]
async fn a_full_disk_keeps_the_gate_closed_from_the_start() {
    let (_guard, gate) = guard(&Disk::new(space(99, 1)), OPTIONS);
    let text = "99 % of the bytes of the volume of temporary files are in use";
    assert_eq!(reason(&gate).as_deref(), Some(text));
}

#[tokio::test]
async fn inodes_and_the_least_free_bytes_are_named() {
    let disk = Disk::new(space(0, 1_000));
    let options = DiskOptions {
        min_free: 100,
        ..OPTIONS
    };
    let (guard, gate) = guard(&disk, options);
    assert_eq!(reason(&gate), None);
    let inodes = |used| Space {
        used_inodes: used,
        free_inodes: 100 - used,
        ..space(0, 1_000)
    };
    disk.set("downloads", Ok(inodes(97)));
    guard.measure_now().await;
    let text = "97 % of the inodes of the volume of downloads are in use";
    assert_eq!(reason(&gate).as_deref(), Some(text));
    disk.set("downloads", Ok(inodes(10)));
    guard.measure_now().await;
    assert_eq!(reason(&gate), None);
    let mut seen = Vec::new();
    for free in [99, 124, 125] {
        disk.set("downloads", Ok(space(0, free)));
        guard.measure_now().await;
        seen.push(reason(&gate));
    }
    let text = "99 bytes are free on the volume of downloads";
    assert_eq!(seen, [Some(text.to_owned()), Some(text.to_owned()), None]);
}

#[tokio::test]
async fn a_volume_that_is_gone_is_no_place_for_downloads() {
    let disk = Disk::new(space(0, 100));
    let (guard, gate) = guard(&disk, OPTIONS);
    disk.set("downloads", Err(io::ErrorKind::NotFound));
    guard.measure_now().await;
    let text = reason(&gate).expect("closed");
    assert!(
        text.starts_with("the volume of downloads cannot be measured"),
        "{text}"
    );
    assert!(!guard.has_room(Some(1)));
}

#[tokio::test(start_paused = true)]
async fn the_volumes_are_measured_on_an_interval() {
    let disk = Disk::new(space(0, 100));
    let (guard, gate) = guard(&disk, OPTIONS);
    let mut changes = guard.subscribe();
    disk.set("downloads", Ok(space(100, 0)));
    let began = Instant::now();
    tokio::select! {
        () = Arc::clone(&guard).watch() => {}
        changed = changes.changed() => changed.expect("a change"),
    }
    assert!(reason(&gate).is_some());
    assert_eq!(began.elapsed(), OPTIONS.interval);
}

#[tokio::test]
async fn what_is_left_is_promised_once() {
    let disk = Disk::new(space(950, 50));
    let (guard, _gate) = guard(&disk, OPTIONS);
    let asked = [None, Some(51), Some(30), Some(30), Some(20), Some(1), Some(0)];
    assert_eq!(
        asked.map(|bytes| guard.has_room(bytes)),
        [false, false, true, false, true, false, true]
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_that_failed_closes_the_gate_for_a_while() {
    let disk = Disk::new(space(0, 100));
    let (guard, gate) = guard(&disk, OPTIONS);
    let failure = guard.write_failed(&io::ErrorKind::StorageFull.into());
    assert_eq!(gate.closed(), Some(failure));
    assert!(!guard.has_room(Some(1)));
    guard.measure_now().await;
    assert!(reason(&gate).is_some());
    tokio::time::advance(HOLD).await;
    guard.measure_now().await;
    assert_eq!(reason(&gate), None);
}
