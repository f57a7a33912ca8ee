//! Disks on which there is no room.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_testing::content::Content;
use stoa_testing::small_disk;

use crate::scene::{Kind, Scene, attempts};

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_full_disk_fails_no_download() {
    let name = "disk::a10_a_full_disk_fails_no_download";
    let Some(disk) = small_disk::again_with(name, "size=64m") else {
        return;
    };
    // One after the other: together, the one that came first could be done before the other had begun.
    for kind in [Kind::Files, Kind::Redis] {
        bytes(kind, &disk).await;
        fs::remove_dir_all(disk.join(format!("{kind:?}"))).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_disk_without_inodes_fails_no_download() {
    let name = "disk::a11_a_disk_without_inodes_fails_no_download";
    let Some(disk) = small_disk::again_with(name, "size=64m,nr_inodes=1000") else {
        return;
    };
    tokio::join!(inodes(Kind::Files, &disk), inodes(Kind::Redis, &disk));
}

/// Downloads fill the disk, and some wait until files are taken away.
async fn bytes(kind: Kind, disk: &Path) {
    // Of two MiB each, of which thirty have room.
    const JOBS: usize = 34;
    let content = |number: usize| Content::random(2 << 20, number as u64);
    let mut scene = Scene::without_nodes(kind);
    scene.downloads = disk.join(format!("{kind:?}"));
    scene.set("STOA_JOBS_MIN_FREE", "4MiB");
    scene.start(0);
    let mut ids = Vec::new();
    for number in 0..JOBS {
        let path = format!("/x{number}");
        scene.origin.file(&path, content(number));
        ids.push(scene.download(0, &path, &json!({ "max_retries": 0 })).await);
    }
    let waiting = waits_for_the_disk(&scene, &ids[JOBS - 1]).await;
    println!("{kind:?}: {waiting}");
    // What is done is taken away, which makes room.
    let mut taken = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let job = scene.job(0, id).await;
        if job["state"] == "ok" {
            assert!(
                fs::read(scene.file(id)).unwrap() == content(number).to_bytes(),
                "{id}"
            );
            fs::remove_file(scene.file(id)).unwrap();
            taken.push(id);
        }
    }
    println!("{kind:?}: {} were done when the disk was full", taken.len());
    assert!((1..JOBS).contains(&taken.len()));
    for (number, id) in ids.iter().enumerate() {
        let job = scene.ended(0, id).await;
        assert_eq!(
            (&job["state"], &job["charged"]),
            (&json!("ok"), &json!(1)),
            "{job}"
        );
        let mut ended = attempts(&job);
        assert_eq!(ended.pop(), Some("ok"), "{job}");
        // Whatever did not fit was stopped, or put off before it began; neither costs a job anything.
        let is_free = |ended: &&str| ["interrupted", "snoozed"].contains(ended);
        assert!(ended.iter().all(is_free), "{job}");
        if !taken.contains(&id) {
            assert!(
                fs::read(scene.file(id)).unwrap() == content(number).to_bytes(),
                "{id}"
            );
        }
    }
    let told = scene.callbacks(JOBS).await;
    assert_eq!(told.len(), JOBS);
    assert!(
        told.iter().all(|(message, _)| message["success"] == true),
        "{told:?}"
    );
}

/// No file can be made, though there is room for bytes.
async fn inodes(kind: Kind, disk: &Path) {
    const JOBS: usize = 20;
    let fillers = disk.join(format!("fillers-{kind:?}"));
    fs::create_dir(&fillers).unwrap();
    // Together with the other server's these are 96 per cent of all.
    (0..480).for_each(|number| fs::write(fillers.join(number.to_string()), "").unwrap());
    let mut scene = Scene::without_nodes(kind);
    scene.downloads = disk.join(format!("{kind:?}"));
    scene.set("STOA_JOBS_FULL_AT", "45");
    scene.start(0);
    let mut ids = Vec::new();
    for number in 0..JOBS {
        let path = format!("/x{number}");
        scene.origin.file(&path, "content");
        ids.push(scene.download(0, &path, &json!({ "max_retries": 0 })).await);
    }
    let waiting = waits_for_the_disk(&scene, &ids[0]).await;
    println!("{kind:?}: {waiting}");
    let reason = waiting["waiting_reason"].as_str().unwrap();
    assert!(
        reason.contains("% of the inodes of the volume of downloads are in use"),
        "{reason}"
    );
    assert_eq!((scene.origin.total(), scene.told.total()), (0, 0));
    fs::remove_dir_all(&fillers).unwrap();
    for id in &ids {
        let job = scene.ended(0, id).await;
        assert_eq!(
            (&job["state"], &job["charged"], attempts(&job)),
            (&json!("ok"), &json!(1), vec!["ok"]),
            "{job}"
        );
        assert_eq!(fs::read(scene.file(id)).unwrap(), b"content");
    }
    let told = scene.callbacks(JOBS).await;
    assert!(
        told.len() == JOBS && told.iter().all(|(message, _)| message["success"] == true),
        "{told:?}"
    );
}

/// The job when the server says that it waits for the disk. Nothing tells of that, so it is asked again and again.
async fn waits_for_the_disk(scene: &Scene, id: &str) -> Value {
    let waits = async {
        loop {
            let job = scene.job(0, id).await;
            if job["waiting_for"] == "disk" {
                return job;
            }
            assert_ne!(job["state"], "ok", "the disk was to be full before that: {job}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waits)
        .await
        .unwrap()
}
