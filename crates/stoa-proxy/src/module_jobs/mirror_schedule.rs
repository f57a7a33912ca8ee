//! Mirrors that begin again and again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use stoa_jobs::{
    Action, Callbacks, Engine, Failure, Job, JobId, JobQuery, NewJob, State, StateName, StoreError,
};

use super::{MIRROR, MirrorSpec};

/// Why a mirror is cancelled that the configuration does not have any more. It does not begin again.
const UNSCHEDULED: &str = "unscheduled";
/// How many jobs are read at a time.
const PAGE: usize = 200;
/// How long the end of a mirror is waited for that was stopped,
const WAIT: Duration = Duration::from_secs(60);
/// and the pause after a failure of the store.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes the next job of a mirror when one has ended, however it ended, and leaves all others to `inner`.
///
/// A store submits it together with the end, so that there is always one, and never two: whatever dies, and however many
/// servers use the store. A moment at which no server runs is made up for once.
#[derive(Debug)]
pub struct MirrorSchedule {
    inner: Arc<dyn Callbacks>,
}

impl MirrorSchedule {
    /// Tells of ends by `inner`, too.
    pub fn new(inner: Arc<dyn Callbacks>) -> Self {
        Self { inner }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Callbacks for MirrorSchedule {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        let mut told = self.inner.of(job);
        let is_over =
            matches!(&job.state, State::Cancelled { failure, .. } if &*failure.class == UNSCHEDULED);
        if let Some(spec) = spec_of(job).filter(|_| !is_over) {
            told.extend(spec.next_job());
        }
        told
    }
}

/// What a job of a mirror is told.
fn spec_of(job: &Job) -> Option<MirrorSpec> {
    let is_mirror = job.aggregation.kind().as_str() == MIRROR;
    is_mirror.then(|| serde_json::from_value(job.payload.clone()).ok())?
}

/// Makes the mirrors of the store those that are `wanted`: each has one job that runs or waits for its time. One that was
/// not there begins now, and one that is no longer wanted, or was told otherwise, is stopped. It takes until these have
/// ended, and goes on when the store fails.
pub async fn schedule_mirrors(engine: &Engine, wanted: &[MirrorSpec]) {
    loop {
        match schedule(engine, wanted).await {
            Ok(stopped) if stopped.is_empty() => return,
            Ok(stopped) => {
                // One that ended by itself at that moment has left its next job.
                for id in stopped {
                    if engine.wait(&id, WAIT).await.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "mirrors could not be scheduled yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Which ones were stopped.
async fn schedule(engine: &Engine, wanted: &[MirrorSpec]) -> Result<Vec<JobId>, StoreError> {
    let store = engine.store();
    let mut query = JobQuery {
        states: StateName::ALL
            .into_iter()
            .filter(|name| !name.has_ended())
            .collect::<BTreeSet<_>>(),
        kind: MIRROR.parse().ok(),
        ..JobQuery::latest(PAGE)
    };
    let (mut stopped, mut missing) = (Vec::new(), wanted.to_vec());
    loop {
        let page = store.jobs(&query).await?;
        for job in &page.jobs {
            let Some(spec) = spec_of(job).filter(|spec| spec.every_ms.is_some()) else {
                continue;
            };
            if wanted.contains(&spec) {
                missing.retain(|wanted| *wanted != spec);
                continue;
            }
            let text = "the configuration does not have this mirror any more";
            let failure = Failure::new(UNSCHEDULED, text);
            store.act(&job.id, Action::Cancel(failure)).await?;
            stopped.push(job.id.clone());
        }
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    // Of several servers that find the same at the same time, one submits a job that the others join.
    if !missing.is_empty() {
        store
            .submit(missing.iter().map(MirrorSpec::job).collect())
            .await?;
    }
    Ok(stopped)
}
