//! What clients are told of names that nothing keeps, and never of places of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use stoa_testing::process::StoaProcess;

use crate::support::{STOA, assert_error, get, scene};

#[tokio::test]
async fn a_name_that_no_file_system_keeps_is_not_there() {
    let scene = scene();
    let stoa = scene.start();
    let place = scene.directory().to_str().unwrap().to_owned();
    let greet = "/example.com/greet/@v/v1.0.0-";
    for len in [256, 1000] {
        let module = format!("/example.com/{}", "a".repeat(len));
        let version = format!("{greet}{}", "b".repeat(len));
        for (path, content) in [
            (
                format!("{module}/@v/v1.0.0.mod"),
                format!("module {}\n", &module[1..]),
            ),
            (format!("{version}.mod"), "module example.com/greet\n".to_owned()),
            (
                format!("{version}.info"),
                format!(
                    "{{\"Version\":\"{}\",\"Time\":\"2024-05-06T07:08:09Z\"}}",
                    &version[22..]
                ),
            ),
        ] {
            scene.upstream.file(&path, content);
            let answer = get(&stoa, &path).await;
            assert_error(&path, &answer, 404, "longer than the storage allows");
            assert!(!answer.text().contains(&place), "{}", answer.text());
        }
        for rest in ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.zip"] {
            let answer = get(&stoa, &format!("{module}/{rest}")).await;
            assert_eq!(answer.status, 404, "{len} {rest}: {}", answer.text());
            assert!(!answer.text().contains(&place), "{}", answer.text());
        }
    }
    assert_eq!(get(&stoa, "/readyz").await.status, 200);
}

#[tokio::test]
async fn a_tree_of_files_is_not_named_to_clients() {
    let scene = scene();
    let tree = scene.directory().join("secret-place/tree");
    let versions = tree.join("example.com/a/@v");
    fs::create_dir_all(versions.join("v1.0.0.mod")).unwrap();
    fs::write(versions.join("v1.1.0.info"), "not json").unwrap();
    fs::write(versions.join("list"), "v1.0.0\n").unwrap();
    let upstream = format!("file://{}", tree.display());
    let stoa = StoaProcess::command(STOA)
        .storage(&scene.storage())
        .upstream(&upstream)
        .start();
    let long = format!("/example.com/{}/@v/list", "c".repeat(300));
    for (path, status) in [
        ("/example.com/b/@v/list", 404),
        ("/example.com/b/@latest", 404),
        ("/example.com/a/@v/v1.0.0.mod", 404),
        ("/example.com/a/@v/v1.1.0.info", 502),
        ("/example.com/a/@v/v1.9.9.zip", 404),
        (&long, 404),
    ] {
        let answer = get(&stoa, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            !answer.text().contains("secret-place"),
            "{path}: {}",
            answer.text()
        );
        assert!(
            !answer.text().contains(scene.directory().to_str().unwrap()),
            "{path}: {}",
            answer.text()
        );
    }
    stoa.wait_for_log("secret-place");
}

#[tokio::test]
async fn what_is_stored_is_for_nobody_else_unless_the_configuration_says_so() {
    for (chosen, of_files, of_directories) in [
        (None, 0o600, 0o700),
        (Some("group"), 0o640, 0o750),
        (Some("world"), 0o644, 0o755),
    ] {
        let scene = scene();
        let environment: Vec<_> = chosen
            .map(|mode| ("STOA_STORAGE_MODE", mode))
            .into_iter()
            .collect();
        let stoa = scene.start_with(&environment);
        for kind in ["info", "mod", "zip"] {
            assert_eq!(get(&stoa, &scene.greet().url_path(kind)).await.status, 200);
        }
        let mut left = vec![scene.storage()];
        while let Some(path) = left.pop() {
            let metadata = fs::metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o777;
            // The token, jobs, whose payloads may hold secrets, and the index, which knows the names of private modules.
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_secret = ["admin-token", "jobs.db", "index"]
                .iter()
                .any(|secret| name.starts_with(secret));
            let want = match () {
                () if is_secret => 0o600,
                () if metadata.is_dir() => of_directories,
                () => of_files,
            };
            assert_eq!(mode, want, "{chosen:?} {}", path.display());
            if metadata.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert!(
            !stoa.output().contains("others may look into the storage"),
            "{}",
            stoa.output()
        );
    }
}

#[tokio::test]
async fn a_storage_that_others_may_look_into_is_told_at_the_start() {
    let scene = scene();
    fs::create_dir(scene.storage()).unwrap();
    fs::set_permissions(scene.storage(), PermissionsExt::from_mode(0o755)).unwrap();
    let stoa = scene.start();
    let line = stoa.wait_for_log("others may look into the storage");
    assert!(
        line.contains("permissions=755") && line.contains("storage_mode = \"private\""),
        "{line}"
    );
    let mode = fs::metadata(scene.storage()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755, "what exists keeps its mode");
}
