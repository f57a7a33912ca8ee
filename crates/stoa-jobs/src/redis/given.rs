//! Jobs on their way to who claimed them.

use std::sync::Arc;

use serde_json::Map;
use tokio_util::task::TaskTracker;

use super::{
    transact::{Start, Transactor},
    view::Wanted,
};
use crate::{Claimed, Failure, Job, Lease, Outcome, StoreError};

/// Jobs on their way to who claimed them. If they never arrive, for the claim was given up while Redis answered, they are given
/// back: otherwise nobody would run them until their leases end.
#[derive(Debug)]
pub(super) struct Given {
    claimed: Option<Claimed>,
    transactor: Arc<Transactor>,
    tasks: TaskTracker,
}

impl Given {
    pub(super) fn new(claimed: Claimed, transactor: Arc<Transactor>, tasks: TaskTracker) -> Self {
        Self {
            claimed: Some(claimed),
            transactor,
            tasks,
        }
    }

    /// They have arrived.
    pub(super) fn take(mut self) -> Claimed {
        self.claimed.take().unwrap_or_default()
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let jobs = self
            .claimed
            .take()
            .map(|claimed| claimed.jobs)
            .unwrap_or_default();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        for (job, _) in jobs {
            let transactor = self.transactor.clone();
            self.tasks.spawn_on(give_back(transactor, job), &runtime);
        }
    }
}

async fn give_back(transactor: Arc<Transactor>, job: Job) {
    let Some(lease) = job.lease() else { return };
    if let Err(error) = end(&transactor, &job, lease).await {
        tracing::warn!(job = %job.id, %error, "a job could not be given back; its lease will end");
    }
}

async fn end(transactor: &Transactor, job: &Job, lease: &Lease) -> Result<(), StoreError> {
    let wanted = Wanted {
        jobs: [job.id.clone()].into(),
        ..Wanted::default()
    };
    let why = Failure::new("interrupted", "its node stopped while it claimed the job");
    transactor
        .transact(Start::Wanted(wanted), true, None, |transaction| {
            let outcome = Outcome::Interrupted(why.clone());
            transaction.finish(&job.id, lease, outcome, Map::new())
        })
        .await?;
    Ok(())
}
