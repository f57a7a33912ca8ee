//! How processes that have one file open wake one another.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::Connection;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    fs::FlockOperation,
    io::{Errno, read},
    pipe::pipe,
};

use super::{
    fault::{meaning, system},
    schema,
};
use crate::{Signals, StoreError, Wake, Wakers};

/// How often the file is looked at although nobody has said that it changed: a process may have died between its commit and
/// saying so.
const SELDOM: Duration = Duration::from_secs(10);
/// The same, if the system cannot tell that a file has changed.
const OFTEN: Duration = Duration::from_secs(1);

/// Which signals this handle has given, of those that were counted in the file.
pub(super) struct Seen {
    counts: [AtomicU64; 3],
    wakers: Wakers,
    /// A file beside the database: whoever writes to it has changed the database.
    bell: File,
}

impl Seen {
    /// Nothing new since the counts of `connection`.
    pub(super) fn new(bell: File, connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            counts: counts(connection)?.map(AtomicU64::new),
            wakers: Wakers::default(),
            bell,
        })
    }

    /// Lets others open the store.
    pub(super) fn unlock(&self) -> Result<(), StoreError> {
        let unlocked = rustix::fs::flock(&self.bell, FlockOperation::Unlock);
        unlocked.map_err(|error| system("its lock cannot be given back", error.into()))
    }

    pub(super) fn signals(&self) -> Signals {
        self.wakers.signals()
    }

    /// A transaction of this handle has been committed, which wakes whom `wake` says: those of this handle, and the others.
    pub(super) fn fire(&self, wake: Wake, counts: [u64; 3]) {
        if !wake.is_any() {
            return;
        }
        for ((seen, count), is_given) in
            self.counts
                .iter()
                .zip(counts)
                .zip([wake.work, wake.control, wake.events])
        {
            if is_given {
                seen.fetch_max(count, Ordering::AcqRel);
            }
        }
        wake.fire(&self.wakers);
        if let Err(error) = rustix::io::pwrite(&self.bell, b"!", 0) {
            tracing::warn!(%error, "other processes with the same job store are not woken at once");
        }
    }

    /// Gives the signals that others have counted.
    fn catch_up(&self, counts: [u64; 3]) {
        let mut is_new = [false; 3];
        for ((seen, count), is_new) in self.counts.iter().zip(counts).zip(&mut is_new) {
            *is_new = seen.fetch_max(count, Ordering::AcqRel) < count;
        }
        let [work, control, events] = is_new;
        Wake {
            work,
            control,
            events,
        }
        .fire(&self.wakers);
    }
}

fn counts(connection: &Connection) -> Result<[u64; 3], StoreError> {
    let read = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
    let mut statement = connection
        .prepare_cached("SELECT work, control, events FROM meta")
        .map_err(meaning)?;
    statement.query_row([], read).map_err(meaning)
}

/// A thread that looks at the file when somebody has changed it.
pub(super) struct Watcher {
    /// One end of a pipe. The thread ends when it is closed.
    running: Mutex<Option<OwnedFd>>,
    handle: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Watcher {
    pub(super) fn start(path: &Path, seen: Arc<Seen>) -> Result<Self, StoreError> {
        let connection = schema::open_reader(path)?;
        let failed = |error: Errno| system("it cannot wait for other processes", error.into());
        let (stop, running) = pipe().map_err(failed)?;
        for end in [&stop, &running] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC).map_err(failed)?;
        }
        let changes = match watch(&schema::bell_path(path)) {
            Ok(changes) => Some(changes),
            Err(error) => {
                tracing::warn!(%error, "the job store looks every second for what other processes have done");
                None
            }
        };
        let work = move || {
            while wait(&stop, changes.as_ref()) {
                match counts(&connection) {
                    Ok(counts) => seen.catch_up(counts),
                    Err(error) => tracing::warn!(%error, "the job store could not be looked at"),
                }
            }
        };
        let handle = thread::Builder::new().name("jobs-watcher".into()).spawn(work);
        let handle = handle.map_err(|error| system("it has no thread to wait for other processes", error))?;
        Ok(Self {
            running: Mutex::new(Some(running)),
            handle: Mutex::new(Some(handle)),
        })
    }

    /// Ends the thread.
    pub(super) async fn close(&self) {
        self.running.lock().take();
        let handle = self.handle.lock().take();
        if let Some(handle) = handle {
            let joined = tokio::task::spawn_blocking(move || handle.join()).await;
            debug_assert!(matches!(joined, Ok(Ok(()))), "the watcher ends by itself");
        }
    }
}

#[cfg(target_os = "linux")]
fn watch(bell: &Path) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::inotify;

    let changes = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    inotify::add_watch(&changes, bell, inotify::WatchFlags::MODIFY)?;
    Ok(changes)
}

#[cfg(not(target_os = "linux"))]
fn watch(_bell: &Path) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
}

/// Waits until the file may have changed. Returns false when the watcher is to end.
fn wait(stop: &OwnedFd, changes: Option<&OwnedFd>) -> bool {
    let mut polled = vec![PollFd::new(stop, PollFlags::IN)];
    polled.extend(changes.map(|changes| PollFd::new(changes, PollFlags::IN)));
    let patience = if changes.is_some() { SELDOM } else { OFTEN };
    let patience = Timespec::try_from(patience).unwrap_or(Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    });
    match poll(&mut polled, Some(&patience)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => {
            tracing::error!(%error, "the job store cannot wait for other processes any more");
            return false;
        }
    }
    if !polled[0].revents().is_empty() {
        return false;
    }
    if let Some(changes) = changes {
        let mut buffer = [0; 4_096];
        // What is read says only that something was written. Without anything to read, the time was over.
        while read(changes, &mut buffer).is_ok_and(|length| length > 0) {}
    }
    true
}
