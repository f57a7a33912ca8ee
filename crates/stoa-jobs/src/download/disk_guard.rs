//! What keeps downloads from starting while a disk is full.

use std::{fmt, io, path::Path, path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{Failure, Gate};

/// How long the gate stays closed at least after a write failed: a quota, or a disk of which the measurement says that it has
/// room, must not let jobs start and fail again and again.
const HOLD: Duration = Duration::from_secs(30);

/// What a volume has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that this process may still use: what is reserved for root does not count.
    pub free_bytes: u64,
    /// Files and folders.
    pub used_inodes: u64,
    /// Files and folders that this process may still make. Both are zero on a file system that does not count them.
    pub free_inodes: u64,
}

/// Measures volumes.
pub trait Probe: fmt::Debug + Send + Sync + 'static {
    /// The space of the volume on which `path` is. It may block.
    fn measure(&self, path: &Path) -> io::Result<Space>;
}

/// Asks the operating system.
#[derive(Clone, Copy, Debug)]
pub struct Statvfs;

impl Probe for Statvfs {
    fn measure(&self, path: &Path) -> io::Result<Space> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Space {
            used_bytes: bytes(found.f_blocks.saturating_sub(found.f_bfree)),
            free_bytes: bytes(found.f_bavail),
            used_inodes: found.f_files.saturating_sub(found.f_ffree),
            free_inodes: found.f_favail,
        })
    }
}

/// A volume that is watched.
#[derive(Clone, Debug)]
pub struct Volume {
    /// What people call it: `temporary files` or `downloads`. It is part of the reason that the gate names.
    pub name: Arc<str>,
    /// A folder on it.
    pub path: PathBuf,
}

/// When a disk counts as full.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskOptions {
    /// How often the volumes are measured.
    pub interval: Duration,
    /// From how many percent in use on, as `df` counts, a disk is full,
    pub high: f64,
    /// and down to how many percent it has to come to have room again.
    pub low: f64,
    /// With fewer free bytes than this a disk is full as well. It has room again with a quarter more.
    pub min_free: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            high: 95.0,
            low: 90.0,
            min_free: 1 << 30,
        }
    }
}

/// Watches the bytes and the inodes of volumes, and closes the gate of the kind `url` while one of them is full.
///
/// While the gate is closed no download starts. Of those that run, the ones whose remaining bytes fit into what is left go on;
/// the others are interrupted and charged nothing. A write that fails closes the gate at once.
#[derive(Debug)]
pub struct DiskGuard {
    volumes: Vec<Volume>,
    options: DiskOptions,
    probe: Arc<dyn Probe>,
    closed: watch::Sender<Option<Failure>>,
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes of the fullest volume that no running download has been promised since the gate closed.
    left: u64,
    /// Until when the gate stays closed whatever is measured.
    held: Option<Instant>,
    /// Free bytes of the fullest volume, as they were measured last.
    free: Option<u64>,
}

/// One measurement of all volumes.
#[derive(Debug, Default)]
struct Measured {
    /// Why a volume is full, by the high marks.
    full: Option<String>,
    /// Why one has no room again yet, by the low marks.
    not_yet: Option<String>,
    /// The free bytes of the volume that has the fewest; none where not even a file can be made.
    free: Option<u64>,
}

impl DiskGuard {
    /// A guard of `volumes`, and the gate that it closes. The volumes are measured at once, which may block, so that nothing
    /// starts on a full disk before [`watch`](Self::watch) runs.
    pub fn new(volumes: Vec<Volume>, options: DiskOptions, probe: Arc<dyn Probe>) -> (Arc<Self>, Gate) {
        let (closed, gate) = Gate::new();
        let guard = Self {
            volumes,
            options,
            probe,
            closed,
            state: Mutex::default(),
            asked: Notify::new(),
        };
        let measured = guard.measure();
        guard.judge(measured);
        (Arc::new(guard), gate)
    }

    /// Measures on an interval, and when somebody asks, for as long as it is polled. The engine's owner runs it as a task.
    pub async fn watch(self: Arc<Self>) {
        loop {
            // The result of a measurement may be late, so only the latest one is judged.
            let _ = tokio::time::timeout(self.options.interval, self.asked.notified()).await;
            self.measure_now().await;
        }
    }

    /// Measures now, rather than at the end of the interval.
    pub async fn measure_now(self: &Arc<Self>) {
        let guard = Arc::clone(self);
        let measured = tokio::task::spawn_blocking(move || guard.measure()).await;
        self.judge(measured.unwrap_or_else(|_panic| Measured {
            full: Some("a volume could not be measured".to_owned()),
            not_yet: Some(String::new()),
            free: None,
        }));
    }

    /// Why downloads may not start, if so.
    pub fn closed(&self) -> Option<Failure> {
        self.closed.borrow().clone()
    }

    /// A write failed for want of room, or in another way that is not the job's fault: the gate closes at once, and stays
    /// closed for half a minute at least.
    pub(crate) fn write_failed(&self, error: &io::Error) -> Failure {
        let failure = Failure::new("disk", &format!("a file could not be written: {error}"));
        let mut state = self.state.lock();
        state.held = Some(Instant::now() + HOLD.max(self.options.interval));
        state.left = 0;
        drop(state);
        self.close(failure.clone());
        self.asked.notify_one();
        failure
    }

    /// Changes whenever the gate is opened or closed.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Failure>> {
        self.closed.subscribe()
    }

    /// Whether a running download may go on while the gate is closed, and `remaining` bytes of it are to come; none if that is
    /// not known. The bytes are promised to it until the gate closes the next time, so it asks once.
    pub(crate) fn has_room(&self, remaining: Option<u64>) -> bool {
        let mut state = self.state.lock();
        let left = remaining.and_then(|remaining| state.left.checked_sub(remaining));
        if let Some(left) = left {
            state.left = left;
        }
        left.is_some()
    }

    /// Why this many bytes cannot be written now, if the disk has less than that.
    pub(crate) fn lacks(&self, bytes: u64) -> Option<Failure> {
        let free = self.state.lock().free?;
        let text = || format!("{bytes} bytes are to come, and {free} are free on the disk");
        (bytes > free).then(|| Failure::new("disk", &text()))
    }

    fn close(&self, failure: Failure) {
        self.closed.send_if_modified(|closed| {
            let is_change = closed.is_none();
            // The first reason stays, so that each change is an opening or a closing.
            closed.get_or_insert(failure);
            is_change
        });
    }

    fn judge(&self, measured: Measured) {
        let mut state = self.state.lock();
        state.free = measured.free;
        let is_closed = self.closed.borrow().is_some();
        if let Some(text) = measured.full.filter(|_| !is_closed) {
            state.left = measured.free.unwrap_or(0);
            drop(state);
            tracing::warn!(reason = %text, "a disk is full: no downloads are started");
            self.close(Failure::new("disk", &text));
            return;
        }
        let is_held = state.held.is_some_and(|until| Instant::now() < until);
        if is_closed && !is_held && measured.not_yet.is_none() {
            state.held = None;
            drop(state);
            tracing::info!("the disks have room: downloads are started again");
            self.closed.send_replace(None);
        }
    }

    fn measure(&self) -> Measured {
        let mut all = Measured {
            free: Some(u64::MAX),
            ..Measured::default()
        };
        for volume in &self.volumes {
            match self.probe.measure(&volume.path) {
                Ok(space) => {
                    all.full = all
                        .full
                        .or_else(|| self.fault(volume, space, self.options.high, 1.0));
                    all.not_yet = all
                        .not_yet
                        .or_else(|| self.fault(volume, space, self.options.low, 1.25));
                    // The file itself is there already; a folder for it may have to be made.
                    let can_make_files = space.used_inodes == 0 || space.free_inodes > 1;
                    let free = Some(space.free_bytes).filter(|_| can_make_files);
                    all.free = all.free.zip(free).map(|(all, free)| all.min(free));
                }
                Err(error) => {
                    let text = format!("the volume of {} cannot be measured: {error}", volume.name);
                    all.full.get_or_insert_with(|| text.clone());
                    all.not_yet.get_or_insert(text);
                    all.free = None;
                }
            }
        }
        all
    }

    /// Why a volume of this space is full, by this mark and this many times the least free bytes.
    fn fault(&self, volume: &Volume, space: Space, mark: f64, times: f64) -> Option<String> {
        let name = &volume.name;
        let at_low = mark < self.options.high;
        let is_over = |used: f64| if at_low { used > mark } else { used >= mark };
        let bytes = percent(space.used_bytes, space.free_bytes);
        let inodes = percent(space.used_inodes, space.free_inodes);
        #[expect(clippy::cast_precision_loss, reason = "it is compared with a round number")]
        let too_few = (space.free_bytes as f64) < self.options.min_free as f64 * times;
        if is_over(bytes) {
            Some(format!(
                "{bytes:.0} % of the bytes of the volume of {name} are in use"
            ))
        } else if too_few {
            Some(format!(
                "{} bytes are free on the volume of {name}",
                space.free_bytes
            ))
        } else if is_over(inodes) {
            Some(format!(
                "{inodes:.0} % of the inodes of the volume of {name} are in use"
            ))
        } else {
            None
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is compared with a round number")]
fn percent(used: u64, free: u64) -> f64 {
    let all = used.saturating_add(free);
    if all == 0 {
        0.0
    } else {
        used as f64 * 100.0 / all as f64
    }
}

#[cfg(test)]
mod tests;
