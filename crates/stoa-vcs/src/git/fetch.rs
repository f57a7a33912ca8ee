//! Fetching: one at a time for each repository, and no more than is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::listing::Known;
use super::objects::Objects;
use super::program::{Remote, failed};
use super::repair::Health;
use super::wire::{Received, Wanted, Wire};
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::process::Output;
use crate::{Step, VcsError, VcsKind};

/// How often the size of a repository is looked at while it grows: no event tells.
const WATCH: Duration = Duration::from_millis(500);

/// What every fetch is told: no tags on its own, nothing in `FETCH_HEAD`, no submodules.
const FETCH: [&str; 6] = [
    "fetch",
    "-q",
    "-f",
    "--no-tags",
    "--no-write-fetch-head",
    "--recurse-submodules=no",
];

/// One run of `git fetch`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch<'a> {
    /// What it is counted as.
    pub(super) kind: &'static str,
    /// Its options.
    pub(super) how: &'a [&'a str],
    /// What to fetch.
    pub(super) what: What<'a>,
    /// Whether the server may leave out objects, which `how` says.
    pub(super) partial: bool,
}

/// What a fetch is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    /// Refs.
    Specs(&'a [&'a str]),
    /// Objects by their hashes.
    Objects(&'a [String]),
}

/// What all handles of a repository share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Whose turn it is to ask for refs.
    pub(super) refs_turn: Semaphore,
    pub(super) refs: Mutex<Option<Known>>,
    /// Whose turn it is to fetch.
    pub(super) write_turn: Arc<Semaphore>,
    /// Whether a fetch may have left something unfinished.
    untidy: AtomicBool,
    pub(super) objects: Mutex<Option<Objects>>,
    pub(super) wire: Wire,
    pub(super) health: Health,
    /// Whether its packs are being put together.
    pub(super) tending: Arc<AtomicBool>,
    /// Owns the tasks behind `objects` and `wire`, and the one that tends the packs.
    tasks: Mutex<JoinSet<()>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            refs_turn: Semaphore::new(1),
            refs: Mutex::default(),
            write_turn: Arc::new(Semaphore::new(1)),
            untidy: AtomicBool::new(true),
            objects: Mutex::default(),
            wire: Wire::default(),
            health: Health::default(),
            tending: Arc::default(),
            tasks: Mutex::default(),
        }
    }
}

impl Shared {
    pub(super) async fn turn<'a>(
        &self,
        of: &'a Semaphore,
        step: Step,
    ) -> Result<SemaphorePermit<'a>, VcsError> {
        of.acquire()
            .await
            .map_err(|error| failed(step, error.to_string()))
    }
}

impl GitRepository {
    /// The right to use the local copy, which is made, empty, if it is missing.
    pub(super) async fn lease(&self, step: Step) -> Result<Lease, VcsError> {
        let lease = self.cache.lease(&self.key);
        self.check(&lease).await?;
        if !lease.path().join("config").try_exists().unwrap_or(false) {
            let sha256 = self.refs().await?.is_sha256();
            let made = lease.create(|dir| local::fill(dir, &self.program.url, sha256));
            made.map_err(|error| failed(step, error.to_string()))?;
        }
        local::mend(lease.path()).map_err(|error| failed(step, error.to_string()))?;
        Ok(lease)
    }

    /// Waits for the turn to write, and removes what a fetch that did not end has left.
    pub(super) async fn begin(&self, lease: &Lease) -> Result<SemaphorePermit<'_>, VcsError> {
        let turn = self.shared.turn(&self.shared.write_turn, Step::Access).await?;
        if self.shared.untidy.swap(true, Ordering::AcqRel) {
            local::tidy(lease.path()).map_err(|error| failed(Step::Access, error.to_string()))?;
        }
        Ok(turn)
    }

    /// Ends a turn: what is there is noted.
    pub(super) fn finish(&self, lease: &Lease) -> Result<(), VcsError> {
        local::note_packs(lease.path()).map_err(|error| failed(Step::Access, error.to_string()))?;
        lease.measure();
        self.tend(lease);
        self.shared.untidy.store(false, Ordering::Release);
        Ok(())
    }

    /// Runs `git fetch`; the turn to write is the caller's.
    pub(super) async fn fetch(&self, lease: &Lease, fetch: Fetch<'_>) -> Result<Output, VcsError> {
        let counters = self.counters();
        if local::is_empty(lease.path()) {
            counters.add("clone", 1);
        }
        // Objects that are named by their hashes come without a look at what is there: the server would leave out what
        // it takes to be there already.
        let (look, specs, stdin): (&[&str], _, _) = match fetch.what {
            What::Specs(specs) => (&[], specs, Vec::new()),
            What::Objects(ids) => (
                &["-c", "fetch.negotiationAlgorithm=noop"],
                &[][..],
                ids.join("\n").into_bytes(),
            ),
        };
        let words = look.iter().chain(&FETCH).chain(fetch.how);
        let words = words.chain(&["--end-of-options", "origin"]).chain(specs);
        let run = Remote {
            kind: fetch.kind,
            step: Step::Access,
            args: words.map(|word| (*word).to_owned()).collect(),
            stdin,
            dir: Some(lease.path()),
            partial: fetch.partial,
            time: self.program.options.fetch_time,
        };
        let before = lease.measure();
        let output = self.watch(lease, self.program.remote(run)).await?;
        counters.add("bytes", lease.measure().saturating_sub(before));
        Ok(output)
    }

    /// Fetches by asking the server ourselves, where that can be; the turn to write is the caller's.
    pub(super) async fn fetch_wire(
        &self,
        lease: &Lease,
        kind: &'static str,
        wanted: Wanted<'_>,
    ) -> Result<Received, VcsError> {
        let first = local::is_empty(lease.path());
        let received = self.watch(lease, self.wire_fetch(lease, kind, wanted)).await?;
        if first && received == Received::Done {
            self.counters().add("clone", 1);
        }
        Ok(received)
    }

    /// Runs a task that ends with the last handle.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.shared.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Waits for git, and stops it when the repository becomes too large.
    async fn watch<T>(
        &self,
        lease: &Lease,
        run: impl Future<Output = Result<T, VcsError>>,
    ) -> Result<T, VcsError> {
        let mut run = std::pin::pin!(run);
        let mut watch = tokio::time::interval(WATCH);
        loop {
            tokio::select! {
                output = &mut run => return output,
                _ = watch.tick() => {
                    if lease.measure() > self.program.options.largest {
                        return Err(VcsError::TooLarge {
                            vcs: VcsKind::Git,
                            step: Step::Access,
                            limit: self.program.options.largest,
                        });
                    }
                }
            }
        }
    }
}
