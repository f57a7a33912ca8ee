//! `[jobs]`.

use std::{path::PathBuf, time::Duration};

use stoa_config::{
    Key, Reader, Section, Table,
    values::{bound, duration},
};

const STORE: Key = Key::new(
    "store",
    "file:",
    "where jobs are kept: file: (in the storage), file:///DIR, or memory: for none that outlive the server",
);
const WORKERS: Key = Key::new(
    "workers",
    "16",
    "how many jobs of a kind run at a time on this server",
);
const LEASE: Key = Key::new(
    "lease",
    "60s",
    "how long a server may be silent before its jobs are taken for lost",
);
const KEEP_OK: Key = Key::new("keep_ok", "24h", "how long a job that is done is kept");
const KEEP_FAILED: Key = Key::new(
    "keep_failed",
    "30d",
    "how long a job that failed or was cancelled is kept",
);

const JOBS: Table = Table::once("jobs", &[STORE, WORKERS, LEASE, KEEP_OK, KEEP_FAILED]);

/// The shortest lease: renewing it takes a write for each job several times in that time.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// Where jobs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobStore {
    /// In the storage, if it is a directory; else in memory.
    InStorage,
    /// In a file of this directory.
    Directory(PathBuf),
    /// In memory.
    Memory,
}

/// How durable jobs are kept and run.
#[derive(Clone, Debug)]
pub(crate) struct JobsConfig {
    pub(crate) store: JobStore,
    pub(crate) workers: usize,
    pub(crate) lease: Duration,
    pub(crate) keep_ok: Duration,
    pub(crate) keep_failed: Duration,
}

impl Section for JobsConfig {
    const TABLES: &'static [Table] = &[JOBS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.once(&JOBS);
        let store = table.value(&STORE, store);
        let workers = table.value(&WORKERS, bound);
        let lease = table.value(&LEASE, lease);
        let keep_ok = table.value(&KEEP_OK, duration);
        let keep_failed = table.value(&KEEP_FAILED, duration);
        Some(Self {
            store: store?,
            workers: workers?,
            lease: lease?,
            keep_ok: keep_ok?,
            keep_failed: keep_failed?,
        })
    }
}

fn store(text: &str) -> Result<JobStore, String> {
    match text {
        "file:" => return Ok(JobStore::InStorage),
        "memory:" => return Ok(JobStore::Memory),
        _ => {}
    }
    let path = text.strip_prefix("file://").unwrap_or_default();
    if path.starts_with('/') {
        return Ok(JobStore::Directory(path.into()));
    }
    Err(format!(
        "{text:?} is no store of jobs: write file:, file:///DIR or memory:"
    ))
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    if lease < SHORTEST_LEASE {
        return Err(format!(
            "a lease of {text} is too short to be renewed in time; write {SHORTEST_LEASE:?} or more"
        ));
    }
    Ok(lease)
}
