//! Storage that cannot be written.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http::Response;
use stoa_testing::process::{StoaCommand, StoaProcess};
use stoa_testing::scene::Scene;
use stoa_testing::small_disk::mounts;

use crate::support::{STOA, assert_error, get, scene};

/// stoa, started by a shell that did `prepare` first. It keeps its process id.
fn prepared(scene: &Scene, wrapper: &str, prepare: &str) -> StoaCommand {
    let script = scene.directory().join("start.sh");
    let storage = scene.storage();
    std::fs::create_dir_all(&storage).unwrap();
    let text = format!(
        "#!/bin/sh\nexport ROOT='{}'\nexec {wrapper} sh -c '{prepare}; exec {STOA} \"$@\"' stoa \"$@\"\n",
        storage.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    StoaProcess::command(script.to_str().unwrap())
        .storage(&storage)
        .upstream(&scene.upstream.url())
}

/// A client is not told where the storage is.
fn assert_no_place(scene: &Scene, answer: &Response) {
    let (text, place) = (answer.text(), scene.directory());
    assert!(!text.contains(place.to_str().unwrap()), "{text}");
    assert!(!text.contains(".stoa") && !text.contains("@v"), "{text}");
}

/// With room for a megabyte and a half: large things fail, small ones go on, nothing is left of what failed.
async fn assert_survives_a_full_disk(scene: &Scene, stoa: &StoaProcess, storage: &Path) {
    let sized = |path, size| ModuleFixture::new(path, "v1.0.0").file("data", Content::random(size, 9));
    let small = sized("example.com/small", 1000);
    let (large, huge) = (
        sized("example.com/large", 900 << 10),
        sized("example.com/huge", 3 << 20),
    );
    let go_mod = [b"module example.com/fat\n".to_vec(), vec![b'/'; 2 << 20]].concat();
    let fat = ModuleFixture::new("example.com/fat", "v1.0.0").with_go_mod(go_mod);
    scene
        .upstream
        .modules(&[small.clone(), large.clone(), huge.clone(), fat.clone()]);
    assert_eq!(get(stoa, &small.url_path("zip")).await.status, 200);
    assert_eq!(get(stoa, &large.url_path("zip")).await.status, 200);
    for _ in ["once", "again"] {
        let cut = get(stoa, &huge.url_path("zip")).await;
        assert!(
            cut.status == 507 || !cut.is_clean(),
            "{} {:?}",
            cut.status,
            cut.end
        );
        let refused = get(stoa, &fat.url_path("mod")).await;
        assert_error("fat", &refused, 507, "no room left");
        assert_no_place(scene, &refused);
        assert_eq!(refused.header("retry-after"), Some("60"));
        stoa.wait_for_log("cannot write ");
    }
    assert!(
        std::fs::read_dir(storage.join(".stoa/tmp"))
            .unwrap()
            .next()
            .is_none(),
        "nothing is left"
    );
    for absent in ["example.com/huge/@v/v1.0.0.zip", "example.com/fat/@v/v1.0.0.mod"] {
        assert!(!std::fs::exists(storage.join(absent)).unwrap(), "{absent}");
    }
    scene.upstream.kill();
    for module in [&small, &large] {
        let stored = get(stoa, &module.url_path("zip")).await;
        assert!(
            stored.is_clean() && stored.body == module.zip().to_bytes(),
            "{}",
            module.path()
        );
    }
    scene.upstream.restart_same_port();
    assert_eq!(
        get(stoa, &scene.greet().url_path("mod")).await.status,
        200,
        "what fits is stored"
    );
    assert_eq!(get(stoa, "/healthz").await.status, 200);
}

#[tokio::test]
async fn a_full_disk_fails_what_does_not_fit_and_nothing_else() {
    let Some(mounts) = mounts() else {
        return a_file_size_limit_is_met_alike().await;
    };
    let scene = scene();
    let stoa = prepared(&scene, mounts, "mount -t tmpfs -o size=1536k full \"$ROOT\"").start();
    let inside = Path::new("/proc").join(stoa.pid().to_string()).join("root");
    let storage = inside.join(scene.storage().strip_prefix("/").unwrap());
    assert_survives_a_full_disk(&scene, &stoa, &storage).await;
}

/// The same to a writer, and needs no rights.
async fn a_file_size_limit_is_met_alike() {
    let scene = scene();
    let stoa = prepared(&scene, "", "trap \"\" XFSZ; ulimit -f 2048").start();
    assert_survives_a_full_disk(&scene, &stoa, &scene.storage()).await;
}

#[tokio::test]
async fn a_file_size_limit_fails_what_does_not_fit_and_nothing_else() {
    a_file_size_limit_is_met_alike().await;
}

#[tokio::test]
async fn on_a_disk_that_is_full_at_the_start_what_is_stored_is_served() {
    let scene = scene();
    let (stored, new) = (scene.greet().url_path("zip"), scene.greet().url_path("mod"));
    let before = prepared(&scene, "", "true").start();
    assert_eq!(get(&before, &stored).await.status, 200);
    drop(before);
    scene.upstream.kill();
    let stoa = prepared(&scene, "", "trap \"\" XFSZ; ulimit -f 0").start();
    let zip = get(&stoa, &stored).await;
    assert_eq!(zip.body, scene.greet().zip().to_bytes());
    let ready = get(&stoa, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("no room left"), "{}", ready.text());
    assert_eq!(get(&stoa, "/healthz").await.status, 200);
    scene.upstream.restart_same_port();
    assert_error("new", &get(&stoa, &new).await, 507, "no room left");
}

#[tokio::test]
async fn storage_that_cannot_be_written_fails_new_files_and_serves_old_ones() {
    let scene = scene();
    let stoa = scene.start();
    let (stored, new) = (scene.greet().url_path("zip"), scene.greet().url_path("mod"));
    assert_eq!(get(&stoa, &stored).await.status, 200);
    let (tmp, aside) = (
        scene.storage().join(".stoa/tmp"),
        scene.storage().join(".stoa/aside"),
    );
    std::fs::rename(&tmp, &aside).unwrap();
    std::fs::write(&tmp, "").unwrap();
    for path in [
        &new,
        &scene
            .example
            .module("example.com/multi", "v1.2.3")
            .url_path("zip"),
    ] {
        let away = get(&stoa, path).await;
        assert_error(path, &away, 503, "storage of this proxy is unavailable");
        assert_no_place(&scene, &away);
        assert_eq!(away.header("retry-after"), Some("10"));
        stoa.wait_for_log(".stoa/tmp");
    }
    assert_eq!(get(&stoa, &stored).await.body, scene.greet().zip().to_bytes());
    assert_eq!(
        get(&stoa, "/example.com/greet/@v/list").await.status,
        200,
        "a list needs no room"
    );
    std::fs::remove_file(&tmp).unwrap();
    std::fs::rename(&aside, &tmp).unwrap();
    assert_eq!(get(&stoa, &new).await.status, 200);
}

#[tokio::test]
async fn a_storage_directory_that_is_gone_is_unavailable_and_not_empty() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_NETWORK", "offline")]);
    let (storage, away) = (scene.storage(), scene.directory().join("away"));
    let info = get(&stoa, &scene.greet().url_path("info")).await;
    assert_eq!(info.status, 404, "an empty storage is sure");
    // Others than that one, whose absence is remembered for a while.
    let paths = [scene.greet().url_path("mod"), scene.greet().url_path("zip")];
    std::fs::rename(&storage, &away).unwrap();
    for path in &paths {
        let answer = get(&stoa, path).await;
        assert_error(path, &answer, 503, "storage of this proxy is unavailable");
        assert_no_place(&scene, &answer);
        assert_eq!(answer.header("retry-after"), Some("10"));
    }
    stoa.wait_for_log(storage.to_str().unwrap());
    assert!(
        !std::fs::exists(&storage).unwrap(),
        "nothing is made in place of the root"
    );
    std::fs::rename(&away, &storage).unwrap();
    for path in &paths {
        assert_eq!(get(&stoa, path).await.status, 404, "{path}");
    }
}

#[test]
fn storage_that_cannot_be_opened_stops_the_start_with_one_line() {
    let scene = scene();
    let file = scene.directory().join("file");
    std::fs::write(&file, "precious").unwrap();
    for storage in [file.clone(), file.join("below")] {
        let command = StoaProcess::command(STOA).storage(&storage).upstream("off");
        let (code, output) = command.start_expecting_exit();
        assert_eq!(code, Some(1), "{output}");
        let complaints: Vec<_> = output.lines().filter(|line| line.starts_with("stoa: ")).collect();
        assert_eq!(complaints.len(), 1, "{output}");
        assert!(complaints[0].contains(file.to_str().unwrap()), "{output}");
    }
    let command = StoaProcess::command(STOA)
        .arg("--storage")
        .arg("s4://bucket")
        .upstream("off");
    let (code, output) = command.start_expecting_exit();
    assert!(code == Some(1) || code == Some(64), "{output}");
    assert!(output.contains("s4"), "{output}");
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}
