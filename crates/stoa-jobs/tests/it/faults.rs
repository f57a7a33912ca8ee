//! Files that cannot be used, and disks that are full.

use std::{error::Error as _, fs, os::unix::fs::PermissionsExt as _};

use stoa_jobs::{Rules, SqliteOptions, SqliteStore, StateName, Store as _, StoreError};
use stoa_testing::small_disk;

use crate::support::{File, claim, end, job};

/// The text of the refusal, which names no file.
fn refusal(file: &File) -> String {
    let error = file.open().unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    let text = error.to_string();
    let folder = file.folder.path().to_str().unwrap();
    assert!(!text.contains(folder) && !text.contains("jobs.db"), "{text}");
    text
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let file = File::new(Rules::default());
    fs::create_dir(file.path().parent().unwrap()).unwrap();
    fs::write(file.path(), "a letter to somebody").unwrap();
    assert!(refusal(&file).contains("is none of SQLite"), "{}", refusal(&file));
    assert_eq!(fs::read(file.path()).unwrap(), b"a letter to somebody");

    fs::remove_file(file.path()).unwrap();
    let other = file.connection();
    other
        .execute_batch("CREATE TABLE job (a); INSERT INTO job VALUES (7)")
        .unwrap();
    drop(other);
    let before = fs::read(file.path()).unwrap();
    assert!(refusal(&file).contains("belongs to another program"));
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let file = File::new(Rules::default());
    file.store().close().await;
    file.connection()
        .execute_batch("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let before = fs::read(file.path()).unwrap();
    let text = refusal(&file);
    assert!(
        text.contains("later version of this program (tables 2, and this one knows 1)"),
        "{text}"
    );
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_is_no_store() {
    let file = File::new(Rules::default());
    file.store().close().await;
    let mut bytes = fs::read(file.path()).unwrap();
    bytes[100..8_192].fill(0xa5);
    fs::write(file.path(), &bytes).unwrap();
    refusal(&file);
    assert_eq!(fs::read(file.path()).unwrap(), bytes);
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_what_to_do() {
    let file = File::new(Rules::default());
    fs::write(file.path().parent().unwrap(), "no folder").unwrap();
    let text = refusal(&file);
    assert!(
        text.contains("let the user of this process write there"),
        "{text}"
    );
    let error = file.open().unwrap_err();
    assert!(
        error.source().is_some() || format!("{error:?}").contains("Os"),
        "the cause is for the log: {error:?}"
    );
}

#[tokio::test]
async fn nobody_else_can_read_the_file() {
    let file = File::new(Rules::default());
    let store = file.store();
    store.submit(vec![job("x")]).await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file.path().parent().unwrap()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(file.path().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["jobs.db", "jobs.db-shm", "jobs.db-wake", "jobs.db-wal"]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing() {
    let Some(place) = small_disk::again_on("faults::a_full_disk_loses_nothing", 3 << 20) else {
        return;
    };
    let store = SqliteStore::open(&place.join("jobs.db"), SqliteOptions::default()).unwrap();
    let mut first = job("first");
    first.title = "first".into();
    store.submit(vec![first]).await.unwrap();
    let running = claim(&store, 1).await;
    fs::write(place.join("filler"), vec![7; 1 << 20]).unwrap();
    let mut accepted = 1;
    let error = loop {
        let mut large = job("x");
        large.payload = "a".repeat(50_000).into();
        match store.submit(vec![large]).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1_000, "the disk is never full");
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert!(!error.to_string().contains("jobs.db"), "{error}");
    let counts = store.counts().await.unwrap();
    assert_eq!(
        counts.values().sum::<u64>(),
        accepted,
        "what was accepted is there, and nothing else"
    );
    fs::remove_file(place.join("filler")).unwrap();
    end(&store, &running[0]).await.unwrap();
    store.submit(vec![job("x")]).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(&place.join("jobs.db"), SqliteOptions::default()).unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!((counts[&StateName::Ready], counts[&StateName::Ok]), (accepted, 1));
    store.close().await;
}
