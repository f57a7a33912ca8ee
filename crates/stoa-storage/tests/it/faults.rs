//! Storages that cannot be used as they should.
//!
//! Some faults need a process of their own: a private mount namespace with a small or read-only file system
//! where that is permitted, else a file size limit, or a user without rights. A test whose every way is barred
//! fails; none is skipped.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use bytes::Bytes;
use stoa_storage::{DiskStorage, FileKind, Put, Records, Storage, StorageError, StorageMode, StorageUrl};

use crate::support::{key, private_tree, tree, zip_key};

const ROOT: &str = "STOA_STORAGE_TEST_ROOT";

/// Runs the ignored test `name` of this file on the storage directory `root`, after the shell did `prepare`.
/// `$ROOT` is the directory; `wrapper` is the command that runs the shell.
fn run_apart(name: &str, root: &Path, wrapper: &[&str], prepare: &str) -> Output {
    let script = format!("set -e; {prepare}\nexec \"$TEST\" --exact faults::{name} --ignored --nocapture");
    let command: Vec<&str> = wrapper.iter().copied().chain(["sh", "-c", &script]).collect();
    Command::new(command[0])
        .args(&command[1..])
        .env("TEST", std::env::current_exe().unwrap())
        .env("ROOT", root)
        .env(ROOT, root)
        .output()
        .unwrap()
}

/// A private mount namespace, if this process may have one.
fn mounts() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [
        &["unshare", "--mount"],
        &["unshare", "--user", "--map-root-user", "--mount"],
    ];
    ways.into_iter().find(|way| {
        let probe = Command::new(way[0])
            .args(&way[1..])
            .args(["mount", "-t", "tmpfs", "probe", "/mnt"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    })
}

fn assert_passed(output: &Output) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}\n{err}"
    );
}

fn root() -> std::path::PathBuf {
    std::env::var_os(ROOT).expect("the directory to work in").into()
}

/// Not a test by itself: run where at most 1 MiB can be stored.
#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn in_a_full_directory() {
    let root = root();
    let storage = DiskStorage::open(&root).unwrap();
    let small = key("example.com/m", "v1.0.0", FileKind::Info);
    assert_eq!(
        storage.put(&small, Bytes::from_static(b"small")).await.unwrap(),
        Put::Stored
    );

    let error = storage
        .put(&zip_key(), Bytes::from(vec![7; 2 << 20]))
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::Full(_)), "{error:?}");
    let mut stage = storage.stage(&zip_key()).await.unwrap();
    let error = loop {
        if let Err(error) = stage.write(Bytes::from(vec![7; 100_000])).await {
            break error;
        }
    };
    assert!(matches!(error, StorageError::Full(_)), "{error:?}");
    assert_eq!(private_tree(&root, "tmp").len(), 1);
    stage
        .commit(None)
        .await
        .expect_err("a file with a hole is not published");

    assert_eq!(
        private_tree(&root, "tmp"),
        BTreeMap::new(),
        "nothing is left of what did not fit"
    );
    assert_eq!(
        tree(&root),
        BTreeMap::from([("example.com/m/@v/v1.0.0.info".to_owned(), b"small".to_vec())])
    );
    assert_eq!(
        storage.put(&small, Bytes::from(vec![7; 2 << 20])).await.unwrap(),
        Put::Existed
    );
    let later = key("example.com/m", "v1.1.0", FileKind::Info);
    assert_eq!(
        storage.put(&later, Bytes::from_static(b"fits")).await.unwrap(),
        Put::Stored
    );
}

#[test]
fn a_full_file_system_refuses_and_keeps_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    if let Some(mounts) = mounts() {
        let prepare = "mount -t tmpfs -o size=1m full \"$ROOT\"";
        assert_passed(&run_apart("in_a_full_directory", root, mounts, prepare));
    }
    // A size limit shows the same to a writer, and needs no rights.
    assert_passed(&run_apart(
        "in_a_full_directory",
        root,
        &[],
        "trap '' XFSZ; ulimit -f 2048",
    ));
}

/// Not a test by itself: run where `$ROOT/stored` is a storage that may only be read.
#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn in_a_read_only_directory() {
    let root = root();
    for fresh in [root.join("stored"), root.join("missing")] {
        let error = DiskStorage::open(&fresh).unwrap_err();
        assert!(matches!(error, StorageError::NotPermitted(_)), "{error:?}");
        let (message, report) = (error.to_string(), error.report().to_string());
        assert!(
            message.ends_with("make it readable and writable for the user that runs stoa"),
            "{message}"
        );
        assert!(!message.contains(root.to_str().unwrap()), "{message}");
        assert!(report.contains(&format!(" {}", fresh.display())), "{report}");
        let url: StorageUrl = fresh.to_str().unwrap().parse().unwrap();
        assert!(url.place().open(StorageMode::Private).is_err());
    }
}

/// A storage with one file, in `stored` below `root`.
fn fill(root: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let storage = DiskStorage::open(root.join("stored")).unwrap();
        storage.put(&zip_key(), Bytes::from_static(b"zip")).await.unwrap();
    });
}

#[test]
fn a_storage_that_may_only_be_read_is_denied() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fill(root);
    let mounts = mounts();
    if let Some(mounts) = mounts {
        let prepare = "mount --bind \"$ROOT\" \"$ROOT\"; mount -o remount,bind,ro \"$ROOT\"";
        assert_passed(&run_apart("in_a_read_only_directory", root, mounts, prepare));
    }
    // Permissions show the same: those of nobody, if this process is root and they do not bind it.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let wrapper = if rustix::process::geteuid().is_root() {
        &nobody[..]
    } else {
        &[]
    };
    let can_wrap = wrapper.is_empty()
        || Command::new(wrapper[0])
            .args(&wrapper[1..])
            .arg("true")
            .output()
            .is_ok();
    assert!(
        can_wrap || mounts.is_some(),
        "this test needs setpriv or a mount namespace"
    );
    if can_wrap {
        let test = root.join("test");
        fs::copy(std::env::current_exe().unwrap(), &test).unwrap();
        set_modes(root, 0o555);
        let output = run_apart("in_a_read_only_directory", root, wrapper, "TEST=\"$ROOT/test\"");
        set_modes(root, 0o755);
        assert_passed(&output);
    }
}

/// Sets the mode of every directory from `directory` down.
fn set_modes(directory: &Path, mode: u32) {
    fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            set_modes(&entry.path(), mode);
        }
    }
}

#[test]
fn a_root_that_cannot_be_one_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for root in [file.clone(), file.join("below")] {
        let error = DiskStorage::open(&root).unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
        let expected = format!(
            "{error}: cannot create the storage directory {}: ",
            root.display()
        );
        let report = error.report().to_string();
        assert!(report.starts_with(&expected), "{report}");
    }
}

/// What every call says of `key`, of which nothing is stored.
async fn errors_of_every_call(storage: &DiskStorage, key: &stoa_storage::FileKey) -> Vec<StorageError> {
    let module = key.target.path();
    vec![
        storage.open(key).await.unwrap_err(),
        storage.put(key, Bytes::from_static(b"x")).await.unwrap_err(),
        storage.stage(key).await.unwrap_err(),
        storage.h1(&key.target).await.unwrap_err(),
        storage.versions(module).await.unwrap_err(),
        storage.modules(None, 10).await.unwrap_err(),
        storage.quarantine(key).await.unwrap_err(),
        storage.check().await.unwrap_err(),
        storage
            .read(&"service/record".parse().unwrap())
            .await
            .unwrap_err(),
        storage
            .write(&"service/record".parse().unwrap(), Bytes::new())
            .await
            .unwrap_err(),
    ]
}

#[tokio::test]
async fn a_root_that_is_gone_is_unavailable_and_not_empty() {
    let directory = tempfile::tempdir().unwrap();
    let (root, away) = (directory.path().join("root"), directory.path().join("away"));
    let storage = DiskStorage::open(&root).unwrap();
    storage.put(&zip_key(), Bytes::from_static(b"zip")).await.unwrap();
    let absent = key("example.com/absent", "v1.0.0", FileKind::Zip);
    fs::rename(&root, &away).unwrap();
    for replaced in [false, true] {
        if replaced {
            fs::write(&root, "a file in its place").unwrap();
        }
        for error in errors_of_every_call(&storage, &absent).await {
            assert!(
                matches!(error, StorageError::Unavailable(_)),
                "{replaced}: {error:?}"
            );
            let (message, report) = (error.to_string(), error.report().to_string());
            assert!(!message.contains('/'), "{message}");
            assert!(report.contains(root.to_str().unwrap()), "{report}");
        }
    }
    assert!(root.is_file(), "nothing is made in place of the root");
    fs::remove_file(&root).unwrap();
    fs::rename(&away, &root).unwrap();
    let stored = storage.open(&zip_key()).await.unwrap().expect("it is back");
    assert_eq!(stored.bytes(100).await.unwrap(), "zip");
    assert!(storage.open(&absent).await.unwrap().is_none());
}

#[tokio::test]
async fn names_too_long_for_the_file_system_are_invalid() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    let long = "x".repeat(300);
    let deep = format!("example.com{}", "/x123456789".repeat(500));
    for (path, version) in [
        (format!("example.com/{long}"), "v1.0.0".to_owned()),
        ("example.com/m".to_owned(), format!("v1.0.0-{long}")),
        (deep, "v1.0.0".to_owned()),
    ] {
        let key = key(&path, &version, FileKind::Zip);
        let refused = [
            storage.put(&key, Bytes::from_static(b"x")).await.unwrap_err(),
            storage.stage(&key).await.unwrap_err(),
            storage.open(&key).await.unwrap_err(),
            storage.quarantine(&key).await.unwrap_err(),
            storage.h1(&key.target).await.unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, StorageError::InvalidName(_)), "{error:?}");
            assert!(
                error.to_string().ends_with("is longer than the storage allows"),
                "{error}"
            );
        }
    }
    assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
    assert_eq!(tree(directory.path()), BTreeMap::new());
}

#[tokio::test]
async fn no_file_ever_lands_outside_the_root() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let storage = DiskStorage::open(&root).unwrap();
    for path in [
        "example.com/..",
        "../x",
        "example.com/../../x",
        "/etc/x",
        "example.com//x",
        ".stoa/tmp",
        "a.b/@v",
    ] {
        assert!(
            path.parse::<stoa_module::ModulePath>().is_err(),
            "{path} is no module path"
        );
    }
    for (path, version) in [
        ("example.com/a", "v1.0.0"),
        ("example.com/a..b", "v1.0.0-a.b.c"),
        ("x.y/~z", "v0.0.1"),
    ] {
        for kind in FileKind::ALL {
            let key = key(path, version, kind);
            storage.put(&key, Bytes::from_static(b"x")).await.unwrap();
            storage.quarantine(&key).await.unwrap();
            storage.put(&key, Bytes::from_static(b"x")).await.unwrap();
            assert!(storage.location(&key).unwrap().starts_with(storage.root()));
        }
    }
    let beside: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(beside, [root]);
}
