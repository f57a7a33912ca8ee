//! Fetching: one at a time for each repository, and no more than is needed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;

use super::listing::Known;
use super::objects::Objects;
use super::program::{Remote, failed};
use super::refs::Refs;
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

/// All that a revision may come from, as they are called here: below `refs/stoa`, where git does not look when it
/// resolves a name.
const EVERYTHING: [&str; 3] = [
    "+refs/heads/*:refs/stoa/heads/*",
    "+refs/tags/*:refs/stoa/tags/*",
    "+HEAD:refs/stoa/HEAD",
];

/// What all handles of a repository share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Whose turn it is to ask for refs.
    pub(super) refs_turn: Semaphore,
    pub(super) refs: Mutex<Option<Known>>,
    /// Whose turn it is to fetch.
    write_turn: Semaphore,
    /// Whether a fetch may have left something unfinished.
    untidy: AtomicBool,
    pub(super) objects: Mutex<Option<Objects>>,
    /// Owns the task behind `objects`.
    pub(super) tasks: Mutex<JoinSet<()>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            refs_turn: Semaphore::new(1),
            refs: Mutex::default(),
            write_turn: Semaphore::new(1),
            untidy: AtomicBool::new(true),
            objects: Mutex::default(),
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
        if !lease.path().join("config").try_exists().unwrap_or(false) {
            let sha256 = self.refs().await?.is_sha256();
            let made = lease.create(|dir| local::fill(dir, &self.program.url, sha256));
            made.map_err(|error| failed(step, error.to_string()))?;
        }
        Ok(lease)
    }

    /// Fetches the commit `hash` that the ref `name` names: alone, or with what is missing of its history if the history
    /// is there.
    pub(super) async fn fetch_ref(
        &self,
        lease: &Lease,
        name: &str,
        hash: &str,
        refs: &Refs,
    ) -> Result<(), VcsError> {
        let turn = self.begin(lease).await?;
        if self.lookup(lease, hash, Step::Revision).await?.is_some() {
            return self.finish();
        }
        let dir = lease.path();
        if !local::is_plain(dir) {
            let how: &[&str] = if local::is_treeless(dir) {
                &["--filter=tree:0"]
            } else {
                &["--depth=1", "--filter=blob:none"]
            };
            let spec = format!("+{name}:refs/stoa/one/{hash}");
            let output = self
                .fetch(lease, "fetch", how, &[&spec], Vec::new(), true)
                .await?;
            if output.code == Some(0) {
                return self.finish();
            }
        }
        // There are many reasons, told in many ways: the last resort is everything, as in cmd/go.
        drop(turn);
        self.fetch_history(lease, refs, Step::Revision).await
    }

    /// Fetches all commits of all refs, their trees left out, unless they are there.
    pub(super) async fn fetch_history(&self, lease: &Lease, refs: &Refs, step: Step) -> Result<(), VcsError> {
        let _turn = self.begin(lease).await?;
        let (dir, sum) = (lease.path(), refs.sum());
        if local::history(dir).as_ref() == Some(&sum) {
            return self.finish();
        }
        let io = |error: std::io::Error| failed(step, error.to_string());
        let mut output = None;
        if !local::is_plain(dir) {
            // First: trees must be looked for from now on, even if this is cut short.
            local::set_treeless(dir).map_err(io)?;
            output = Some(self.fetch_commits(lease, refs, step).await?);
        }
        if output.is_none_or(|done| done.code != Some(0)) {
            // An old server, or a folder of files behind HTTP.
            let done = self
                .fetch(
                    lease,
                    "fetch-history",
                    &["--prune"],
                    &EVERYTHING,
                    Vec::new(),
                    false,
                )
                .await?;
            if done.code != Some(0) {
                return Err(failed(step, done.said));
            }
            local::set_plain(dir).map_err(io)?;
        }
        local::set_history(dir, &sum).map_err(io)?;
        self.finish()
    }

    /// Fetches the commits of all refs. Any failure is an output, but where something was fetched before, which shows
    /// that the server can do it.
    async fn fetch_commits(&self, lease: &Lease, refs: &Refs, step: Step) -> Result<Output, VcsError> {
        let dir = lease.path();
        let done = self.fetch_commits_once(lease).await?;
        if done.code == Some(0) || local::is_empty(dir) {
            return Ok(done);
        }
        // A tag may name a file. The server leaves that out if a commit that is here has it, though it was left out
        // then, too, and git misses it. So what tags name comes first, and alone.
        let named = refs.tags().map(|(_, hash)| hash.to_owned()).collect();
        let missing = self.missing(lease, named).await?;
        let how = ["--depth=1", "--filter=tree:0", "--stdin"];
        let stdin = missing.join("\n").into_bytes();
        if missing.is_empty()
            || self
                .fetch(lease, "fetch-objects", &how, &[], stdin, true)
                .await?
                .code
                != Some(0)
        {
            return Err(failed(step, done.said));
        }
        let done = self.fetch_commits_once(lease).await?;
        if done.code == Some(0) {
            Ok(done)
        } else {
            Err(failed(step, done.said))
        }
    }

    async fn fetch_commits_once(&self, lease: &Lease) -> Result<Output, VcsError> {
        let how = ["--prune", "--filter=tree:0", "--unshallow"];
        let how = if local::is_shallow(lease.path()) {
            &how[..]
        } else {
            &how[..2]
        };
        self.fetch(lease, "fetch-history", how, &EVERYTHING, Vec::new(), true)
            .await
    }

    /// Fetches trees, each with all trees below, and files, by their hashes.
    pub(super) async fn fetch_objects(
        &self,
        lease: &Lease,
        ids: &[String],
        step: Step,
    ) -> Result<(), VcsError> {
        let _turn = self.begin(lease).await?;
        if let [id] = ids
            && self.has(lease, id, step).await?
        {
            return self.finish();
        }
        let stdin = ids.join("\n").into_bytes();
        let how = ["--filter=blob:none", "--stdin"];
        let output = self.fetch(lease, "fetch-objects", &how, &[], stdin, true).await?;
        if output.code == Some(0) {
            return self.finish();
        }
        // A server that leaves things out, but does not give them one by one.
        let how: &[&str] = if local::is_shallow(lease.path()) {
            &["--refetch", "--unshallow"]
        } else {
            &["--refetch"]
        };
        let again = self
            .fetch(lease, "fetch-history", how, &EVERYTHING, Vec::new(), false)
            .await?;
        if again.code != Some(0) {
            return Err(failed(step, output.said));
        }
        local::set_plain(lease.path()).map_err(|error| failed(step, error.to_string()))?;
        self.finish()
    }

    /// Waits for the turn to write, and removes what a fetch that did not end has left.
    async fn begin(&self, lease: &Lease) -> Result<SemaphorePermit<'_>, VcsError> {
        let turn = self.shared.turn(&self.shared.write_turn, Step::Access).await?;
        if self.shared.untidy.swap(true, Ordering::AcqRel) {
            local::tidy(lease.path()).map_err(|error| failed(Step::Access, error.to_string()))?;
        }
        Ok(turn)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends functions that may fail")]
    fn finish(&self) -> Result<(), VcsError> {
        self.shared.untidy.store(false, Ordering::Release);
        Ok(())
    }

    async fn fetch(
        &self,
        lease: &Lease,
        kind: &'static str,
        how: &[&str],
        specs: &[&str],
        stdin: Vec<u8>,
        partial: bool,
    ) -> Result<Output, VcsError> {
        let counters = self.counters();
        if local::is_empty(lease.path()) {
            counters.add("clone", 1);
        }
        // Only objects that are named by their hashes come without a look at what is there: the server would leave out
        // what it takes to be there already.
        let look = if stdin.is_empty() {
            &[][..]
        } else {
            &["-c", "fetch.negotiationAlgorithm=noop"][..]
        };
        let words = look
            .iter()
            .chain(&FETCH)
            .chain(how)
            .chain(&["--end-of-options", "origin"])
            .chain(specs);
        let run = Remote {
            kind,
            step: Step::Access,
            args: words.map(|word| (*word).to_owned()).collect(),
            stdin,
            dir: Some(lease.path()),
            partial,
            time: self.program.options.fetch_time,
        };
        let before = lease.measure();
        let output = self.watch(lease, run).await?;
        counters.add("bytes", lease.measure().saturating_sub(before));
        Ok(output)
    }

    /// Runs git and stops it when the repository becomes too large.
    async fn watch(&self, lease: &Lease, run: Remote<'_>) -> Result<Output, VcsError> {
        let mut run = std::pin::pin!(self.program.remote(run));
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
