//! Fetching: one at a time for each repository, and no more than is needed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::SemaphorePermit;

use super::program::{Remote, failed};
use super::receive::FetchOutcome;
use super::state::RepositoryState;
use super::wire::WireRequest;
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::leftovers::tidy_git;
use crate::process::Output;
use crate::{Step, VcsError, VcsKind};

/// How often the size of a growing repository is measured: the file system reports no event.
const WATCH: Duration = Duration::from_millis(500);

/// The options of every fetch: no tags beside those that are asked for, nothing in `FETCH_HEAD`, no submodules.
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
    pub(super) what: FetchTarget<'a>,
    /// Whether the server may leave out objects, which `how` says.
    pub(super) partial: bool,
}

/// What a fetch is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum FetchTarget<'a> {
    /// Refs.
    Specs(&'a [&'a str]),
    /// Objects by their hashes.
    Objects(&'a [String]),
}

/// The right to write into the local copy. With it goes what a fetch has left that failed, or was not waited for: on a full
/// disk no other repository could be fetched before this one is asked for again.
pub(super) struct Writing<'a> {
    state: &'a RepositoryState,
    lease: &'a Lease,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // The program that puts packs together has files of the same names.
        let is_alone = !self.state.tending.load(Ordering::Acquire);
        if self.state.untidy.load(Ordering::Acquire) && is_alone {
            // Whatever cannot be removed is tried again by the next fetch.
            let _ = tidy_git(self.lease.path());
            self.lease.measure();
        }
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

    /// Waits for the write permit, and removes what a fetch that did not end has left.
    pub(super) async fn begin<'a>(&'a self, lease: &'a Lease) -> Result<Writing<'a>, VcsError> {
        let permit = self.state.permit(&self.state.write_permit, Step::Access).await?;
        if self.state.untidy.swap(true, Ordering::AcqRel) {
            tidy_git(lease.path()).map_err(|error| failed(Step::Access, error.to_string()))?;
        }
        Ok(Writing {
            state: &self.state,
            lease,
            _permit: permit,
        })
    }

    /// Ends a fetch, before the write permit is released: notes which packs there are.
    pub(super) fn finish(&self, lease: &Lease) -> Result<(), VcsError> {
        local::note_packs(lease.path()).map_err(|error| failed(Step::Access, error.to_string()))?;
        lease.measure();
        self.tend(lease);
        self.state.untidy.store(false, Ordering::Release);
        Ok(())
    }

    /// Runs `git fetch`; the caller holds the write permit.
    pub(super) async fn fetch(&self, lease: &Lease, fetch: Fetch<'_>) -> Result<Output, VcsError> {
        let counters = self.counters();
        if local::is_empty(lease.path()) {
            counters.add("clone", 1);
        }
        // Objects that are named by their hashes come without a look at what is there: the server would leave out what
        // it takes to be there already.
        let (look, specs, stdin): (&[&str], _, _) = match fetch.what {
            FetchTarget::Specs(specs) => (&[], specs, Vec::new()),
            FetchTarget::Objects(ids) => (
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

    /// Fetches by asking the server ourselves, where that can be; the caller holds the write permit.
    pub(super) async fn fetch_wire(
        &self,
        lease: &Lease,
        kind: &'static str,
        wanted: WireRequest<'_>,
    ) -> Result<FetchOutcome, VcsError> {
        let first = local::is_empty(lease.path());
        let received = self.watch(lease, self.wire_fetch(lease, kind, wanted)).await?;
        if first && received == FetchOutcome::Done {
            self.counters().add("clone", 1);
        }
        Ok(received)
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
