//! How a file comes to hold an index.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::FlockOperation;

use super::fault::{meaning, system};
use crate::{Fault, IndexError};

/// Marks our files: `StoI` in ASCII.
const APPLICATION: u32 = 0x5374_6f49;
/// The version of the tables that this library writes.
const VERSION: i64 = 1;
/// How long a process waits for the others that write to the same file.
const BUSY: Duration = Duration::from_secs(10);
/// How often it asks whether they are done while it opens the file, where `SQLite` does not wait by itself.
const RETRY: Duration = Duration::from_millis(20);

/// The catalog is the table itself, in the order of its key. The order of coming and that of last use are read from an index
/// alone, or with one look into the table for each version.
const TABLES: &str = "
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL, generation INTEGER NOT NULL, complete INTEGER NOT NULL,
    modules INTEGER NOT NULL, versions INTEGER NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, 0, 0);
CREATE TABLE version (
    module TEXT NOT NULL, version TEXT NOT NULL, info INTEGER, go_mod INTEGER, zip INTEGER, go_mod_h1 BLOB, zip_h1 BLOB,
    origin TEXT, verified_by TEXT, first_seen INTEGER NOT NULL, listed INTEGER, last_use INTEGER, used INTEGER NOT NULL,
    generation INTEGER NOT NULL, PRIMARY KEY (module, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX version_listed ON version (listed) WHERE listed IS NOT NULL;
CREATE INDEX version_used ON version (used, module, version);
CREATE TABLE module (
    module TEXT PRIMARY KEY, versions INTEGER NOT NULL, bytes INTEGER NOT NULL, last_use INTEGER
) STRICT, WITHOUT ROWID;
";

/// The beginning of a file of `SQLite`, and where in it the mark of the program stands.
const MAGIC: &[u8] = b"SQLite format 3\0";
const MARK: std::ops::Range<usize> = 68..72;

/// The folder of the file and the file that says that the index is in use; both are made unless they are there. The index is in
/// use until the file is dropped.
pub(super) fn in_use(path: &Path, how: FlockOperation) -> Result<File, IndexError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder).map_err(|error| system("its folder cannot be made", error))?;
    }
    let file =
        make(&beside(path, "-lock")).map_err(|error| system("its folder cannot be written to", error))?;
    match rustix::fs::flock(&file, how) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(IndexError::Unreachable(
            "another process has it open, or makes it anew".into(),
        )),
        Err(error) => Err(system(
            "its folder is on a disk without locks; name another one",
            error.into(),
        )),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(suffix);
    name.into()
}

/// Makes a file for its owner alone: what a company uses is nobody's business.
fn make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
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

/// Takes the file out of the way, of whom the caller is the only user. What is not recognisably ours is renamed.
pub(super) fn discard(path: &Path) -> Result<(), IndexError> {
    let is_ours = File::open(path).and_then(|file| {
        let mut head = vec![];
        file.take(MARK.end as u64).read_to_end(&mut head)?;
        Ok(head.is_empty()
            || head.starts_with(MAGIC) && head.get(MARK) == Some(&APPLICATION.to_be_bytes()[..]))
    });
    let gone = match is_ours {
        Ok(true) => fs::remove_file(path),
        Ok(false) => fs::rename(path, beside(path, "-damaged")),
        Err(error) => Err(error),
    };
    for gone in [
        gone,
        fs::remove_file(beside(path, "-wal")),
        fs::remove_file(beside(path, "-shm")),
    ] {
        match gone {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(system("its file cannot be taken out of the way", error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A connection that writes, to a file whose tables are of this version.
pub(super) fn open_writer(path: &Path) -> Result<Connection, IndexError> {
    make(path).map_err(|error| system("its file cannot be made", error))?;
    let connection = connect(path, 16_384)?;
    check(&connection)?;
    let mode: String = patiently(|| connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)))?;
    if mode != "wal" {
        let text = "its file is on a disk that cannot be shared, as one of another machine; name another one";
        return Err(IndexError::BadAddress(text.into()));
    }
    // A loss of power may take the last commits and leaves the file whole: what is lost is found again by a rebuild, and a
    // sync for every commit would cost more than all else.
    connection
        .execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864",
        )
        .map_err(meaning)?;
    patiently(|| connection.execute_batch("BEGIN IMMEDIATE"))?;
    // Again within the transaction: another process may have been faster. It ends with the connection if anything fails.
    if check(&connection)? == 0 {
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}");
        connection
            .execute_batch(&format!("{TABLES}{marks}"))
            .map_err(meaning)?;
    }
    connection.execute_batch("COMMIT").map_err(meaning)?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, IndexError> {
    let connection = connect(path, 8_192)?;
    connection
        .execute_batch("PRAGMA query_only = ON")
        .map_err(meaning)?;
    Ok(connection)
}

fn connect(path: &Path, cache_kib: u32) -> Result<Connection, IndexError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(meaning)?;
    connection.busy_timeout(BUSY).map_err(meaning)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch(&format!("PRAGMA cache_size = -{cache_kib}"))
        .map_err(meaning)?;
    Ok(connection)
}

/// Does something that fails at once while another process opens the file.
fn patiently<A>(mut work: impl FnMut() -> rusqlite::Result<A>) -> Result<A, IndexError> {
    let end = Instant::now() + BUSY;
    loop {
        match work() {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy && Instant::now() < end =>
            {
                std::thread::sleep(RETRY);
            }
            done => return done.map_err(meaning),
        }
    }
}

/// Refuses a file that is not ours, or of a later version, before anything is written to it. Returns the version of its tables,
/// zero if it has none.
fn check(connection: &Connection) -> Result<i64, IndexError> {
    let number = |sql: &str| patiently(|| connection.query_row(sql, [], |row| row.get::<_, i64>(0)));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    if application != i64::from(APPLICATION) {
        let tables = number("SELECT count(*) FROM sqlite_master")?;
        if (application, version, tables) != (0, 0, 0) {
            let text = "its file belongs to another program; name another one";
            return Err(IndexError::BadAddress(text.into()));
        }
        return Ok(0);
    }
    if version != VERSION {
        let text = format!(
            "its tables are of version {version}, and this program knows {VERSION}; \
             update this program, or make the index anew"
        );
        return Err(IndexError::Damaged(Fault::new(&text)));
    }
    Ok(version)
}
