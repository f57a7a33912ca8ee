//! Noticing that a local copy is damaged, and making it anew.
//!
//! What is gone or has another size than when it was fetched is seen before the copy is used. The rest shows when git
//! fails in it; then git is asked what it thinks of the copy, so that a failure of the server costs no copy.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::program::failed;
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::{Step, VcsError};

/// How long a copy that was found sound is not examined again after failures that the server may have caused.
const SOUND: Duration = Duration::from_secs(60);

/// How much of a copy is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// What refs name, and its history.
    Commits,
    /// Every byte, too.
    Packs,
}

impl GitRepository {
    /// After `error`: discards the local copy if it is damaged, so that the caller asks again; else gives the error back.
    pub(super) async fn heal(&self, error: VcsError) -> Result<(), VcsError> {
        let depth = match error {
            VcsError::Failed { .. } => Depth::Packs,
            // A commit that is unknown only because the copy is damaged does exist.
            VcsError::UnknownRevision { .. } => Depth::Commits,
            _ => return Err(error),
        };
        let sound = self.state.health.sound.lock()[depth as usize].is_some_and(|at| at.elapsed() < SOUND);
        let lease = self.cache.lease(&self.key);
        if sound || !local::is_there(lease.path()) {
            return Err(error);
        }
        match self.examine(&lease, depth).await? {
            Some(damage) => self.discard(&lease, &damage),
            None => Err(error),
        }
    }

    /// Discards a copy that can be seen to be damaged.
    pub(super) async fn check(&self, lease: &Lease) -> Result<(), VcsError> {
        if !local::is_there(lease.path()) {
            return Ok(());
        }
        if let Some(damage) = local::damage(lease.path()) {
            return self.discard(lease, &damage);
        }
        let suspect = &self.state.health.suspect;
        if suspect.load(Ordering::Acquire) {
            let damage = self.examine(lease, Depth::Packs).await?;
            suspect.store(false, Ordering::Release);
            if let Some(damage) = damage {
                return self.discard(lease, &damage);
            }
        }
        Ok(())
    }

    /// Lets git examine the copy; gives what is wrong with it.
    async fn examine(&self, lease: &Lease, depth: Depth) -> Result<Option<String>, VcsError> {
        if let Some(damage) = local::damage(lease.path()) {
            return Ok(Some(damage));
        }
        let commits = self.program.local("check", Step::Access, lease.path());
        let commits = commits.args([
            "rev-list",
            "--count",
            "--glob=refs/stoa/heads",
            "--glob=refs/stoa/one",
        ]);
        let output = commits.run().await?;
        // Git only warns of refs that it cannot read.
        if output.code != Some(0) || !output.said.is_empty() {
            return Ok(Some(output.said));
        }
        let indexes = local::indexes(lease.path());
        if depth == Depth::Packs && !indexes.is_empty() {
            let packs = self.program.local("check", Step::Access, lease.path());
            let output = packs.args(["verify-pack", "--"]).args(indexes).run().await?;
            if output.code != Some(0) {
                return Ok(Some(output.said));
            }
        }
        self.state.health.sound.lock()[depth as usize] = Some(Instant::now());
        Ok(None)
    }

    fn discard(&self, lease: &Lease, damage: &str) -> Result<(), VcsError> {
        let url = &self.program.url;
        tracing::warn!(%url, damage, "the local copy of a repository is damaged: it is thrown away and fetched anew");
        self.counters().add("discard", 1);
        // Stop the program that reads objects: it has the discarded files open.
        *self.state.objects.lock() = None;
        *self.state.health.sound.lock() = [None; 2];
        lease
            .discard()
            .map_err(|error| failed(Step::Access, error.to_string()))
    }
}
