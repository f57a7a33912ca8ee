//! What the tests have in common.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::Connection;
use serde_json::{Map, Value};
use stoa_jobs::{
    Claim, Finished, Job, MachineTime, NewJob, Outcome, Rules, SqliteOptions, SqliteStore, Store as _,
    StoreError, Timestamp,
};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A machine whose clocks a test moves.
#[derive(Debug)]
pub(crate) struct FakeMachine {
    pub(crate) boot: Mutex<String>,
    pub(crate) since_boot: AtomicU64,
    pub(crate) wall: AtomicU64,
}

impl FakeMachine {
    pub(crate) fn new() -> Self {
        Self {
            boot: Mutex::new("first".into()),
            since_boot: AtomicU64::new(5_000),
            wall: AtomicU64::new(START.as_millis()),
        }
    }

    pub(crate) fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.since_boot.fetch_add(millis, Ordering::SeqCst);
        self.wall.fetch_add(millis, Ordering::SeqCst);
    }
}

impl MachineTime for FakeMachine {
    fn boot(&self) -> Result<String, StoreError> {
        Ok(self.boot.lock().clone())
    }

    fn since_boot(&self) -> Duration {
        Duration::from_millis(self.since_boot.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::SeqCst))
    }
}

/// A file in a folder of its own.
pub(crate) struct File {
    pub(crate) rules: Rules,
    pub(crate) machine: Arc<FakeMachine>,
    pub(crate) folder: tempfile::TempDir,
}

impl File {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            machine: Arc::new(FakeMachine::new()),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("jobs").join("jobs.db")
    }

    pub(crate) fn open(&self) -> Result<SqliteStore, StoreError> {
        let options = SqliteOptions {
            rules: self.rules.clone(),
            machine: self.machine.clone(),
            ..SqliteOptions::default()
        };
        SqliteStore::open(&self.path(), options)
    }

    pub(crate) fn store(&self) -> SqliteStore {
        self.open().unwrap()
    }

    /// Beside the store.
    pub(crate) fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }
}

pub(crate) fn job(name: &str) -> NewJob {
    NewJob::new(format!("url/{name}").parse().unwrap(), Value::Null)
}

/// Claims jobs of URLs.
pub(crate) async fn claim(store: &SqliteStore, max: usize) -> Vec<Job> {
    let lease = Duration::from_secs(600);
    let claim = Claim {
        node: "node-a".into(),
        kinds: vec!["url".parse().unwrap()],
        max,
        lease,
    };
    let claimed = store.claim(&claim).await.unwrap();
    claimed.jobs.into_iter().map(|(job, _)| job).collect()
}

/// Ends a run well.
pub(crate) async fn end(store: &SqliteStore, job: &Job) -> Result<Finished, StoreError> {
    store
        .finish(
            &job.id,
            job.lease().unwrap(),
            Outcome::Ok(Value::Null),
            Map::new(),
        )
        .await
}

/// Starts this program once more, for the ignored test `name` with `path`.
pub(crate) fn again(name: &str, path: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// The file that the first process has named.
pub(crate) fn place() -> PathBuf {
    std::env::var_os(PLACE).expect("the file to open").into()
}

/// Tells the first process something.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").unwrap();
    out.flush().unwrap();
}

const PLACE: &str = "STOA_JOBS_TEST_FILE";
