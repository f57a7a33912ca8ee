//! One run of a download.

use std::{collections::BTreeMap, io, num::NonZeroU64, time::Duration};

use super::{
    disk_guard::DiskGuard,
    partial::Partial,
    spec::{DownloadSpec, MinSpeed},
    transport::Transport,
    verdict::{dead, retry},
};
use crate::{Failure, Outcome, Run};

/// When a download is tried again that is larger than what is free on the disk.
const NO_ROOM: Duration = Duration::from_secs(10);

/// What downloads do that say nothing themselves.
#[derive(Clone, PartialEq)]
pub struct DownloadOptions {
    /// Headers of every request, as `User-Agent`, unless the aggregation or the job has some of the same names.
    pub headers: BTreeMap<String, String>,
    /// The most bytes of a file; a job may have a lower limit and no higher one.
    pub max_bytes: Option<u64>,
    /// The slowest transfer that is worth its slot.
    pub min_speed: Option<MinSpeed>,
    /// How long the head of a response may take.
    pub response_timeout: Duration,
    /// How long a server may send nothing in the middle of a body.
    pub idle_timeout: Duration,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        let number = |number| NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN);
        Self {
            headers: BTreeMap::new(),
            max_bytes: None,
            min_speed: Some(MinSpeed {
                bytes_per_second: number(100),
                window_ms: number(60_000),
            }),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// Header values may hold secrets, so only their names are shown.
impl std::fmt::Debug for DownloadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DownloadOptions")
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("max_bytes", &self.max_bytes)
            .field("min_speed", &self.min_speed)
            .field("response_timeout", &self.response_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}

/// One run of a download: what it is told, and the file that it fills.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) run: &'a Run,
    pub(crate) spec: &'a DownloadSpec,
    pub(crate) options: &'a DownloadOptions,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) guard: &'a DiskGuard,
    /// Where a failure of the disk has put none, or the sink has taken it.
    pub(crate) partial: Option<Partial>,
}

impl Session<'_> {
    /// The file. It is there but after a failure, which ends the run.
    pub(crate) fn partial(&self) -> Result<&Partial, Outcome> {
        self.partial.as_ref().ok_or_else(no_file)
    }

    /// Does something to the file that may block. A failure of it is none of the job's: the run is interrupted, and the gate
    /// closes.
    pub(crate) async fn with_file<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Partial) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Outcome> {
        let mut partial = self.partial.take().ok_or_else(no_file)?;
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work(&mut partial);
            (partial, worked)
        });
        let (partial, worked) = worked
            .await
            .map_err(|_panic| retry("panic", "the file could not be written; the log has more"))?;
        self.partial = Some(partial);
        worked.map_err(|error| self.of_io(&error))
    }

    /// What becomes of a run whose disk fails.
    pub(crate) fn of_io(&self, error: &io::Error) -> Outcome {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return dead("too_large", "the file system has no files as large as this one");
        }
        Outcome::Interrupted(self.guard.write_failed(error))
    }

    /// How long the head of a response may take.
    pub(crate) fn response_timeout(&self) -> Duration {
        let of_job = self.spec.timeouts.response_ms;
        of_job.map_or(self.options.response_timeout, |millis| {
            Duration::from_millis(millis.get())
        })
    }

    /// How long the server may send nothing.
    pub(crate) fn idle_timeout(&self) -> Duration {
        let of_job = self.spec.timeouts.idle_ms;
        of_job.map_or(self.options.idle_timeout, |millis| {
            Duration::from_millis(millis.get())
        })
    }

    /// The most bytes that the file may have.
    pub(crate) fn max_bytes(&self) -> u64 {
        let of_job = self.spec.max_bytes.unwrap_or(u64::MAX);
        self.options.max_bytes.map_or(of_job, |limit| limit.min(of_job))
    }

    /// Whether this many bytes are too many.
    pub(crate) fn check_size(&self, bytes: u64, how: &str) -> Result<(), Outcome> {
        let limit = self.max_bytes();
        if bytes > limit {
            let text = format!("the content has {how} {bytes} bytes, and {limit} are the limit");
            return Err(dead("too_large", &text));
        }
        Ok(())
    }

    /// Puts off a run that the disk has no room for, before it takes the room of others.
    pub(crate) fn check_fits(&self, expected: Option<u64>) -> Result<(), Outcome> {
        match expected.and_then(|bytes| self.guard.lacks(bytes)) {
            Some(failure) => Err(Outcome::Snooze {
                failure,
                wait: NO_ROOM,
            }),
            None => Ok(()),
        }
    }

    /// Interrupts a run that does not fit on a disk that has become full.
    pub(crate) fn check_room(&self, remaining: Option<u64>) -> Result<(), Outcome> {
        if self.guard.has_room(remaining) {
            return Ok(());
        }
        let reason = self.guard.closed();
        Err(Outcome::Interrupted(reason.unwrap_or_else(|| {
            Failure::new("disk", "the disk was full a moment ago")
        })))
    }

    /// No later run goes on from what the file has.
    pub(crate) fn distrust(&mut self) {
        if let Some(partial) = &mut self.partial {
            partial.discard();
        }
    }

    /// Puts the file away as the end of the run wants it. What was left of one that is dead goes, and what was left of one that
    /// found no room as well, so that there is some.
    pub(crate) async fn settle(mut self, failed: Option<&Outcome>) {
        match failed {
            Some(Outcome::Dead(_)) => self.distrust(),
            Some(Outcome::Interrupted(failure)) if &*failure.class == "disk" => self.distrust(),
            _ => {}
        }
        if let Some(partial) = self.partial.take() {
            // A panic of it has been logged, and leaves the files to the sweep.
            let _ = tokio::task::spawn_blocking(move || drop(partial)).await;
        }
    }
}

fn no_file() -> Outcome {
    Outcome::Interrupted(Failure::new("interrupted", "the file of the run is gone"))
}
