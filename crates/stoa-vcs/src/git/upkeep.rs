//! Keeping the packs of a local copy few.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{GitRepository, local};
use crate::Step;
use crate::cache::Lease;
use crate::process::{Attendance, Call};

/// How many packs may lie side by side. Each question to git looks into all of them.
const PACKS: usize = 40;

impl GitRepository {
    /// Combines the packs if there are many, in a task of its own. Questions and fetches go on meanwhile: the small packs
    /// stay until the large one is there, and only their removal takes the write permit. After a failure the next fetch
    /// tries again.
    pub(super) fn tend(&self, lease: &Lease) {
        let packs = local::packs(lease.path());
        if packs < PACKS || self.state.tending.swap(true, Ordering::AcqRel) {
            return;
        }
        let call = |arguments: &[&str]| {
            let call = self.program.local("repack", Step::Access, lease.path());
            call.args(["-c", "core.fsync=none", "multi-pack-index"])
                .args(arguments)
        };
        let steps = [
            call(&["write", "--no-progress"]),
            call(&["repack", "--no-progress", "--batch-size=0"]),
        ];
        let last = call(&["expire", "--no-progress"]);
        let (lease, tending) = (self.cache.lease(&self.key), Arc::clone(&self.state.tending));
        let permit = Arc::clone(&self.state.write_permit);
        let url = self.program.url.clone();
        let tend = async move {
            let mut done = true;
            for step in steps {
                done = done && succeeds(step).await;
            }
            if done && let Ok(_permit) = permit.acquire_owned().await {
                // Forget the noted packs first: a check during their removal would take the copy for damaged.
                done = local::forget_packs(lease.path()).is_ok() && succeeds(last).await;
                done = local::note_packs(lease.path()).is_ok() && done;
            }
            lease.measure();
            tracing::debug!(%url, packs, done, "put packs together");
            tending.store(false, Ordering::Release);
        };
        self.spawn(Attendance::new(|| false).over(tend));
    }
}

async fn succeeds(call: Call) -> bool {
    call.run().await.is_ok_and(|output| output.code == Some(0))
}
