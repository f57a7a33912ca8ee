//! What is on the disk, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use bytes::Bytes;
use stoa_storage::{DiskStorage, FileKind, Put, Storage, StorageError, StorageMode};

use crate::support::{commit, hash, key, private_tree, target, tree, zip_key};

#[tokio::test]
async fn the_tree_is_the_goproxy_layout() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    let upper = target("github.com/BurntSushi/toml", "v1.0.0-RC1");
    for kind in [FileKind::Info, FileKind::Mod] {
        let key = stoa_storage::FileKey::new(upper.clone(), kind);
        storage
            .put(&key, Bytes::from(format!("the {kind}")))
            .await
            .unwrap();
    }
    let key = stoa_storage::FileKey::new(upper, FileKind::Zip);
    assert_eq!(
        commit(&storage, &key, "the zip", Some(&hash(0))).await,
        Put::Stored
    );
    let old = self::key("example.com/old", "v2.0.0+incompatible", FileKind::Info);
    storage.put(&old, Bytes::from_static(b"old")).await.unwrap();

    let expected = [
        ("example.com/old/@v/v2.0.0+incompatible.info", "old"),
        ("github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.info", "the info"),
        ("github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.mod", "the mod"),
        ("github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip", "the zip"),
        (
            "github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.ziphash",
            "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ),
    ];
    let expected: BTreeMap<_, _> = expected
        .into_iter()
        .map(|(path, content)| (path.to_owned(), content.as_bytes().to_vec()))
        .collect();
    assert_eq!(tree(directory.path()), expected);
    assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
    let location = storage.location(&key).unwrap();
    assert_eq!(
        location,
        storage
            .root()
            .join("github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip")
    );
}

#[tokio::test]
async fn records_are_where_their_names_say() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    let name = "sumdb/sum.example.com/tile/8/0/000.p/17";
    let records = storage.records();
    for content in ["old", "new"] {
        records
            .write(&name.parse().unwrap(), Bytes::from_static(content.as_bytes()))
            .await
            .unwrap();
    }
    assert_eq!(
        tree(directory.path()),
        BTreeMap::from([(name.to_owned(), b"new".to_vec())])
    );
    let mode = |name: &str| {
        fs::metadata(directory.path().join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(
        mode(name) & 0o077,
        mode(".stoa/records.lock") & 0o077,
        "as private as every file"
    );
    assert_eq!(private_tree(directory.path(), "tmp"), BTreeMap::new());
    fs::remove_dir_all(directory.path().join("sumdb")).unwrap();
    assert_eq!(records.read(&name.parse().unwrap()).await.unwrap(), None);
    let again = Bytes::from_static(b"again");
    records
        .write(&name.parse().unwrap(), again.clone())
        .await
        .unwrap();
    assert_eq!(records.read(&name.parse().unwrap()).await.unwrap(), Some(again));
}

/// A file that looks like a module's, below a directory of records that may not be read.
#[tokio::test]
async fn walks_do_not_enter_directories_of_records() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    let lookup = "sumdb/example.com/m/@v/v1.0.0.mod".parse().unwrap();
    storage
        .records()
        .write(&lookup, Bytes::from_static(b"x"))
        .await
        .unwrap();
    fs::set_permissions(directory.path().join("sumdb"), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(storage.modules(None, 10).await.unwrap(), []);
    fs::set_permissions(directory.path().join("sumdb"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn who_else_may_read_is_chosen() {
    // What the process's umask takes away, as a plain file shows it.
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    fs::create_dir(&plain).unwrap();
    fs::write(plain.join("file"), "").unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (chosen, of_files, of_directories) in [
        (StorageMode::Private, 0o600, 0o700),
        (StorageMode::Group, 0o640, 0o750),
        (StorageMode::World, 0o644, 0o755),
    ] {
        let root = directory.path().join(chosen.to_string()).join("root");
        let storage = DiskStorage::open_as(&root, chosen).unwrap();
        commit(&storage, &zip_key(), "the zip", Some(&hash(0))).await;
        let name = "sumdb/sum.example/latest".parse().unwrap();
        storage
            .records()
            .write(&name, Bytes::from_static(b"head"))
            .await
            .unwrap();
        assert!(storage.quarantine(&zip_key()).await.unwrap());
        commit(&storage, &zip_key(), "the zip", Some(&hash(0))).await;
        let (files, directories) = (
            mode(&plain.join("file")) & of_files,
            mode(&plain) & of_directories,
        );
        let mut left = vec![root.parent().unwrap().to_owned()];
        let mut seen = 0;
        while let Some(path) = left.pop() {
            let want = if path.is_dir() { directories } else { files };
            assert_eq!(mode(&path), want, "{}", path.display());
            seen += 1;
            if path.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert!(seen > 15, "{seen}");
    }
}

#[tokio::test]
async fn what_exists_keeps_its_mode() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let wide = DiskStorage::open_as(&root, StorageMode::World).unwrap();
    commit(&wide, &zip_key(), "the zip", Some(&hash(0))).await;
    let modes = || fs::metadata(&root).unwrap().permissions().mode();
    let before = modes();
    let narrow = DiskStorage::open_as(&root, StorageMode::Private).unwrap();
    assert_eq!(modes(), before);
    assert!(narrow.open(&zip_key()).await.unwrap().is_some());
}

#[tokio::test]
async fn strangers_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    storage
        .put(
            &key("example.com/m", "v1.0.0", FileKind::Mod),
            Bytes::from_static(b"m"),
        )
        .await
        .unwrap();
    let versions = directory.path().join("example.com/m/@v");
    let names = [
        "list",
        "lock",
        "v1.1.0.ziphash",
        "v1.1.0.txt",
        "v1.1.info",
        "master.info",
        "V1.2.0.info",
        "v1.3.0.mod~",
        "v3.0.0.info",
        ".info",
        "v1.4.0-RC.info",
    ];
    for name in names {
        fs::write(versions.join(name), "stranger").unwrap();
    }
    fs::create_dir(versions.join("v1.5.0.zip")).unwrap();
    for other in [
        "example.com/Upper/@v",
        "example.com/!!x/@v",
        "example.com/empty/@v",
        "noversions.example/x",
        "x/@v",
    ] {
        fs::create_dir_all(directory.path().join(other)).unwrap();
    }
    fs::write(
        directory.path().join("example.com/Upper/@v/v1.0.0.info"),
        "stranger",
    )
    .unwrap();
    fs::write(directory.path().join("x/@v/v1.0.0.info"), "stranger").unwrap();
    fs::write(directory.path().join("README"), "stranger").unwrap();
    symlink(directory.path(), directory.path().join("example.com/loop")).unwrap();

    let found = storage.versions(&"example.com/m".parse().unwrap()).await.unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| found.version.as_str())
            .collect::<Vec<_>>(),
        ["v1.0.0"]
    );
    let modules = storage.modules(None, 100).await.unwrap();
    assert_eq!(
        modules.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["example.com/m"]
    );
}

#[tokio::test]
async fn the_last_rejected_bytes_of_a_key_are_kept_for_inspection() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    for content in ["first", "second"] {
        let mut stage = storage.stage(&zip_key()).await.unwrap();
        stage.write(content.into()).await.unwrap();
        stage.reject().await.unwrap();
    }
    let kept = private_tree(directory.path(), "quarantine");
    assert_eq!(kept.len(), 1, "{kept:?}");
    let path = directory
        .path()
        .join(".stoa/quarantine/rejected")
        .join(zip_key().to_string());
    assert_eq!(std::fs::read(path).unwrap(), b"second");
    assert!(private_tree(directory.path(), "tmp").is_empty());
}

#[tokio::test]
async fn quarantined_bytes_are_kept_for_inspection() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    commit(&storage, &zip_key(), "damaged", Some(&hash(0))).await;
    assert!(storage.quarantine(&zip_key()).await.unwrap());
    commit(&storage, &zip_key(), "damaged again", Some(&hash(1))).await;
    assert!(storage.quarantine(&zip_key()).await.unwrap());
    assert_eq!(tree(directory.path()), BTreeMap::new());
    let kept = private_tree(directory.path(), "quarantine");
    let kept: Vec<(String, String)> = kept
        .into_iter()
        .map(|(path, content)| {
            (
                path.split_once('/').unwrap().1.to_owned(),
                String::from_utf8(content).unwrap(),
            )
        })
        .collect();
    let pair = |name: &str, content: String| (format!("example.com/m/@v/{name}"), content);
    let expected = [
        pair("v1.0.0.zip", "damaged".to_owned()),
        pair("v1.0.0.ziphash", hash(0).to_string()),
        pair("v1.0.0.zip", "damaged again".to_owned()),
        pair("v1.0.0.ziphash", hash(1).to_string()),
    ];
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn a_hash_left_without_its_zip_never_speaks_for_another() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    commit(&storage, &zip_key(), "one", Some(&hash(1))).await;
    let zip = storage.location(&zip_key()).unwrap();
    fs::remove_file(&zip).unwrap();
    assert_eq!(
        storage.h1(&zip_key().target).await.unwrap(),
        None,
        "there is no zip"
    );
    commit(&storage, &zip_key(), "two", None).await;
    assert_eq!(
        storage.h1(&zip_key().target).await.unwrap(),
        None,
        "nobody knows this zip's hash"
    );
    fs::remove_file(&zip).unwrap();
    commit(&storage, &zip_key(), "three", Some(&hash(3))).await;
    assert_eq!(storage.h1(&zip_key().target).await.unwrap(), Some(hash(3)));
}

#[tokio::test]
async fn a_damaged_hash_is_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    commit(&storage, &zip_key(), "the zip", Some(&hash(1))).await;
    let record = storage.location(&zip_key()).unwrap().with_extension("ziphash");
    fs::write(&record, format!("{}\n", hash(2))).unwrap();
    assert_eq!(
        storage.h1(&zip_key().target).await.unwrap(),
        Some(hash(2)),
        "a line end is no damage"
    );
    fs::write(&record, "h1:not a hash").unwrap();
    let error = storage.h1(&zip_key().target).await.unwrap_err();
    assert!(matches!(error, StorageError::Damaged(_)), "{error}");
    let blob = storage
        .open(&zip_key())
        .await
        .unwrap()
        .expect("the zip may be sound");
    assert_eq!(blob.bytes(100).await.unwrap(), "the zip");
}

#[tokio::test]
async fn a_tree_that_was_removed_is_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let storage = DiskStorage::open(directory.path()).unwrap();
    for round in 0..3 {
        assert_eq!(
            commit(&storage, &zip_key(), "the zip", Some(&hash(1))).await,
            Put::Stored,
            "round {round}"
        );
        let gone = directory
            .path()
            .join(if round == 1 { ".stoa" } else { "example.com" });
        fs::remove_dir_all(gone).unwrap();
        if round == 1 {
            storage.check().await.unwrap();
            fs::remove_dir_all(directory.path().join("example.com/m/@v")).unwrap();
        }
    }
}

#[tokio::test]
async fn linked_directories_are_followed_but_not_walked() {
    let directory = tempfile::tempdir().unwrap();
    let (root, elsewhere) = (directory.path().join("root"), directory.path().join("elsewhere"));
    let storage = DiskStorage::open(&root).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, root.join("example.com")).unwrap();
    assert_eq!(
        commit(&storage, &zip_key(), "the zip", Some(&hash(1))).await,
        Put::Stored
    );
    assert_eq!(fs::read(elsewhere.join("m/@v/v1.0.0.zip")).unwrap(), b"the zip");
    assert_eq!(storage.open(&zip_key()).await.unwrap().unwrap().len(), 7);
    assert_eq!(storage.versions(zip_key().target.path()).await.unwrap().len(), 1);
    assert_eq!(storage.modules(None, 10).await.unwrap(), []);
}
