//! How a file comes to hold jobs.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::FlockOperation;

use super::fault::{meaning, system, unusable};
use crate::StoreError;

/// Marks our files: "Stoa" in ASCII.
const APPLICATION: i64 = 0x5374_6f61;
/// The version of the tables that this library writes.
const VERSION: i64 = 1;
/// How long a process waits for the others that write to the same file.
const BUSY: Duration = Duration::from_secs(10);

/// One step for each version: from none to the first, from there to the second, and so on.
const STEPS: [&str; 1] = [FIRST];

const FIRST: &str = "
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- The clock of the file: which start of the machine, and what was read then.
    boot TEXT NOT NULL, boot_wall INTEGER NOT NULL, boot_since INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    last_number INTEGER NOT NULL, last_turn INTEGER NOT NULL, last_event INTEGER NOT NULL,
    -- How often each signal was given.
    work INTEGER NOT NULL, control INTEGER NOT NULL, events INTEGER NOT NULL
);
INSERT INTO meta VALUES (1, '', 0, 0, 0, 0, 0, 0, 0, 0, 0);

-- What changes with each step of a job. The rest of it is in body, which a claim and a renewal leave alone.
CREATE TABLE job (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, aggregation TEXT NOT NULL, title TEXT NOT NULL,
    state INTEGER NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, since INTEGER, due INTEGER,
    epoch INTEGER NOT NULL, node TEXT, lease_since INTEGER, lease_until INTEGER, progress TEXT,
    deadline INTEGER, removal INTEGER, fingerprint TEXT
);
CREATE UNIQUE INDEX job_id ON job (id);
CREATE UNIQUE INDEX job_fingerprint ON job (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX job_ready ON job (aggregation, priority, turn) WHERE state = 0;
CREATE INDEX job_due ON job (kind, due) WHERE due IS NOT NULL;
CREATE INDEX job_lease ON job (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX job_deadline ON job (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX job_removal ON job (removal) WHERE removal IS NOT NULL;
CREATE INDEX job_state ON job (state, number);
CREATE INDEX job_kind ON job (kind, number);
CREATE INDEX job_aggregation ON job (aggregation, number);
CREATE TABLE body (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE child (parent TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (parent, number)) WITHOUT ROWID;

CREATE TABLE aggregation (
    kind TEXT NOT NULL, name TEXT NOT NULL, settings TEXT NOT NULL, pinned INTEGER NOT NULL,
    ready INTEGER NOT NULL, running INTEGER NOT NULL, scheduled INTEGER NOT NULL, blocked INTEGER NOT NULL,
    pass INTEGER NOT NULL, rate_moment INTEGER NOT NULL, held_until INTEGER, open INTEGER NOT NULL, idle_from INTEGER,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX aggregation_open ON aggregation (kind, pass) WHERE open = 1;
CREATE INDEX aggregation_held ON aggregation (kind, held_until) WHERE held_until IS NOT NULL;
CREATE INDEX aggregation_idle ON aggregation (idle_from) WHERE idle_from IS NOT NULL;
CREATE TABLE tide (kind TEXT PRIMARY KEY, tide INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE count (state INTEGER PRIMARY KEY, jobs INTEGER NOT NULL);
INSERT INTO count VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0);
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, job TEXT NOT NULL, aggregation TEXT NOT NULL, state INTEGER NOT NULL,
    class TEXT
);
";

/// Makes the folder of the file, and the file beside it that wakes other processes, unless they are there. That file comes
/// back locked: one process opens the store at a time, until it unlocks the file.
///
/// Nothing but `SQLite` may open the file of the store itself: its locks are those of the process, and the first descriptor
/// that is closed would take them all away from the other handles.
pub(super) fn prepare(path: &Path) -> Result<File, StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        make_folder(folder).map_err(|error| {
            system(
                "its folder cannot be made: make it, and let the user of this process write there",
                error,
            )
        })?;
    }
    let bell = make(&bell_path(path), OpenOptions::new().create(true)).map_err(|error| {
        system(
            "its folder cannot be written to: let the user of this process write there",
            error,
        )
    })?;
    rustix::fs::flock(&bell, FlockOperation::LockExclusive).map_err(|error| {
        system(
            "its folder is on a disk without locks: name another one",
            error.into(),
        )
    })?;
    match make(path, OpenOptions::new().create_new(true)) {
        Ok(_) => Ok(bell),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(bell),
        Err(error) => Err(system(
            "its file cannot be made: let the user of this process write to its folder",
            error,
        )),
    }
}

/// The file beside the one at `path` that wakes other processes.
pub(super) fn bell_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wake");
    name.into()
}

/// Makes a file for its owner alone: payloads hold secrets.
fn make(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.read(true).write(true).truncate(false).open(path)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if fs::metadata(folder).is_ok_and(|data| data.is_dir()) {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A connection that writes, to a file whose tables are of this version.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    in_transaction(&connection, "BEGIN", check)?;
    // Alone, as the caller holds the lock: this change of the mode waits for nobody else.
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(meaning)?;
    if mode != "wal" {
        return Err(StoreError::unusable(
            "its file is on a disk that cannot be shared, as one of another machine",
        ));
    }
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")
        .map_err(meaning)?;
    in_transaction(&connection, "BEGIN IMMEDIATE", migrate)?;
    Ok(connection)
}

/// Does something within a transaction, and all of it or nothing.
pub(super) fn in_transaction<T>(
    connection: &Connection,
    begin: &str,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch(begin).map_err(meaning)?;
    let done =
        work(connection).and_then(|done| connection.execute_batch("COMMIT").map(|()| done).map_err(meaning));
    if done.is_err() && !connection.is_autocommit() {
        // The failure that is reported is the first one; the transaction ends with the connection at the latest.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// A connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection
        .execute_batch("PRAGMA query_only = ON")
        .map_err(meaning)?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(meaning)?;
    connection.busy_timeout(BUSY).map_err(meaning)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch("PRAGMA cache_size = -16384")
        .map_err(meaning)?;
    Ok(connection)
}

/// Refuses a file that is not ours, or of a later version, before anything is written to it.
fn check(connection: &Connection) -> Result<(), StoreError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(meaning)
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_master")?;
    if application != APPLICATION && (application, version, tables) != (0, 0, 0) {
        return Err(StoreError::unusable(
            "its file belongs to another program: name another one",
        ));
    }
    if version > VERSION {
        let text = format!(
            "its file was written by a later version of this program (tables {version}, and this one knows {VERSION}): \
             update this program, or name another file"
        );
        return Err(unusable(&text, "nothing was changed"));
    }
    Ok(())
}

fn migrate(connection: &Connection) -> Result<(), StoreError> {
    // Again within the transaction: another process may have been faster.
    check(connection)?;
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(meaning)?;
    let done = usize::try_from(version).unwrap_or_default();
    for step in STEPS.iter().skip(done) {
        connection.execute_batch(step).map_err(meaning)?;
    }
    if version < VERSION {
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}");
        connection.execute_batch(&marks).map_err(meaning)?;
    }
    Ok(())
}
