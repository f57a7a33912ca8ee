//! The index in a file.

use std::{fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use rusqlite::Connection;
use stoa_index::{
    EntryFilter, Index, IndexError, SqliteIndex, Timestamp,
    conformance::{self, Adapter, Storage},
};
use tempfile::TempDir;

use crate::zip;

struct Sqlite;

#[async_trait]
impl Adapter for Sqlite {
    async fn storage(&self) -> Box<dyn Storage> {
        Box::new(Folder(tempfile::tempdir().unwrap()))
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("deep/index.db")
    }
}

#[async_trait]
impl Storage for Folder {
    async fn open(&self) -> Arc<dyn Index> {
        Arc::new(SqliteIndex::open(&self.file()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    conformance::run(&Sqlite, crate::seed()).await;
}

/// An index with one version, closed.
async fn filled() -> Folder {
    let folder = Folder::new();
    let index = SqliteIndex::open(&folder.file()).unwrap();
    index.record(&[zip("example.com/a", "v1.0.0")]).await.unwrap();
    index.close().await;
    assert!(matches!(
        index.record(&[zip("example.com/a", "v1.1.0")]).await,
        Err(IndexError::Closed)
    ));
    assert!(matches!(index.check().await, Err(IndexError::Closed)));
    folder
}

#[tokio::test]
async fn it_is_there_when_it_is_opened_again() {
    let folder = filled().await;
    let index = SqliteIndex::open(&folder.file()).unwrap();
    assert_eq!(
        index.since(Timestamp::ZERO, 9).await.unwrap()[0].target,
        crate::target("example.com/a", "v1.0.0")
    );
    assert_eq!(index.to_string(), "sqlite");
    #[cfg(unix)]
    for file in ["index.db", "index.db-lock"] {
        let data = fs::metadata(folder.file().with_file_name(file)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&data.permissions());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_moved_away() {
    let folder = filled().await;
    fs::write(folder.file(), "this is no database, but somebody may want it").unwrap();
    let opened = SqliteIndex::open(&folder.file());
    assert!(matches!(opened, Err(IndexError::Damaged(_))), "{opened:?}");
    let text = opened.unwrap_err().to_string();
    assert!(!text.contains("index.db") && !text.contains('\n'), "{text}");
    let index = SqliteIndex::recreate(&folder.file()).unwrap();
    assert_eq!(index.totals().await.unwrap().versions, 0);
    index.record(&[zip("example.com/b", "v1.0.0")]).await.unwrap();
    let moved = fs::read_to_string(folder.file().with_file_name("index.db-damaged")).unwrap();
    assert!(moved.starts_with("this is no database"));
}

#[tokio::test]
async fn pages_that_are_overwritten_are_damage() {
    let folder = Folder::new();
    let index = SqliteIndex::open(&folder.file()).unwrap();
    for number in 0..20 {
        let events: Vec<_> = (0..100)
            .map(|minor| zip("example.com/a", &format!("v1.{number}.{minor}")))
            .collect();
        index.record(&events).await.unwrap();
    }
    index.close().await;
    let mut bytes = fs::read(folder.file()).unwrap();
    let len = bytes.len();
    // Behind the pages that are read when it is opened.
    bytes[6 * 4_096..len].fill(0x5a);
    fs::write(folder.file(), bytes).unwrap();
    let index = SqliteIndex::open(&folder.file()).unwrap();
    let read = index.entries(&EntryFilter::All, None, 5_000).await;
    assert!(matches!(read, Err(IndexError::Damaged(_))), "{read:?}");
    index.close().await;
    drop(index);
    let index = SqliteIndex::recreate(&folder.file()).unwrap();
    assert_eq!(index.entries(&EntryFilter::All, None, 5_000).await.unwrap(), []);
    assert!(
        !folder
            .file()
            .with_file_name("index.db-damaged")
            .try_exists()
            .unwrap(),
        "it was ours"
    );
}

#[tokio::test]
async fn a_later_version_is_left_alone_until_it_is_to_go() {
    let folder = filled().await;
    let later = Connection::open(folder.file()).unwrap();
    later.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(later);
    let opened = SqliteIndex::open(&folder.file());
    assert!(matches!(opened, Err(IndexError::Damaged(_))), "{opened:?}");
    assert!(
        opened
            .unwrap_err()
            .to_string()
            .contains("version 2, and this program knows 1")
    );
    let index = SqliteIndex::recreate(&folder.file()).unwrap();
    assert_eq!(index.totals().await.unwrap().versions, 0);
}

#[tokio::test]
async fn the_file_of_another_program_is_left_alone() {
    let folder = Folder::new();
    let path = folder.0.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")
        .unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let opened = SqliteIndex::open(&path);
    assert!(matches!(opened, Err(IndexError::BadAddress(_))), "{opened:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let opened = SqliteIndex::open(folder.0.path());
    assert!(
        matches!(opened, Err(IndexError::BadAddress(_))),
        "a folder: {opened:?}"
    );
}

#[tokio::test]
async fn what_is_in_use_is_not_made_anew() {
    let folder = filled().await;
    let (one, other) = (
        SqliteIndex::open(&folder.file()).unwrap(),
        SqliteIndex::open(&folder.file()).unwrap(),
    );
    let made = SqliteIndex::recreate(&folder.file());
    assert!(matches!(made, Err(IndexError::Unreachable(_))), "{made:?}");
    drop(other);
    assert!(SqliteIndex::recreate(&folder.file()).is_err());
    assert_eq!(one.totals().await.unwrap().versions, 1);
    drop(one);
    SqliteIndex::recreate(&folder.file()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_can_open_it_at_once() {
    let folder = Folder::new();
    let path = folder.file();
    let open = |_| {
        let path = path.clone();
        std::thread::spawn(move || SqliteIndex::open(&path).map(drop))
    };
    let threads: Vec<_> = (0..8).map(open).collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}
