//! Jobs for what clients asked for and did not wait for.

mod taken;

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_dispatch::{Quota, QuotaPermit};
use stoa_fetch::share_of;
use stoa_jobs::{
    Engine, Failure, Job, JobId, JobQuery, NewJob, Priority, State, StateName, StoreError, Submitted,
};
use stoa_module::{ModuleVersion, Query, WantedFiles};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::taken::{Known, Taken, Ticket, Wanted};
use super::{MODULE, ModuleSpec};
use crate::{Cause, Meaning, ModuleQueue, ProxyError, Refreshes};

/// Before jobs of the same host that nobody asked for.
const SOON: Priority = Priority::new(3).expect("it is at most 9");
/// How long jobs are kept that have ended. Strangers cause them, so that it is not long.
const KEPT: Duration = Duration::from_secs(600);
/// How many may have ended in that time, for each that may be open.
const KEPT_PER_OPEN: usize = 20;
/// When a client may come back that found no room, or no store.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// How long one question after the end of a job is,
const WAIT: Duration = Duration::from_secs(3600);
/// and the pause after one that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How many jobs are read at a time.
const PAGE: usize = 200;

/// What shapes a [`MissQueue`].
#[derive(Clone, Debug)]
pub struct MissOptions {
    /// How many jobs may be open. Modules of one share have three quarters of them at most.
    pub open: usize,
    /// For how long it is believed that something cannot be had.
    pub failed_ttl: Duration,
    /// What is known to be new, and asked for again all the same.
    pub refreshes: Arc<Refreshes>,
}

/// Takes modules for later by submitting jobs of kind [`MODULE`].
///
/// What strangers ask for is bounded: so many jobs are open at a time, of which no share has all; a number of those that have
/// ended are kept, for minutes; and while one is open, or has failed a moment ago, the same module makes no other, nor
/// touches the store. Jobs of the time before a restart count again as soon as [`MissQueue::recover`] has found them.
#[derive(Clone)]
pub struct MissQueue(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    options: MissOptions,
    open: Quota,
    taken: Mutex<Taken>,
    tasks: TaskTracker,
    ending: CancellationToken,
}

impl MissQueue {
    /// Submits to `engine`. What it does behind its answers runs on `tasks` until `ending`.
    pub fn new(
        engine: Arc<Engine>,
        options: MissOptions,
        tasks: TaskTracker,
        ending: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            open: Quota::new(options.open),
            taken: Mutex::new(Taken::new(KEPT.max(options.failed_ttl))),
            engine,
            options,
            tasks,
            ending,
        }))
    }

    /// Counts the jobs that are open since before this process.
    pub async fn recover(&self) {
        let mut query = JobQuery {
            states: StateName::ALL
                .into_iter()
                .filter(|name| !name.has_ended())
                .collect::<BTreeSet<_>>(),
            kind: MODULE.parse().ok(),
            ..JobQuery::latest(PAGE)
        };
        loop {
            match self.0.engine.store().jobs(&query).await {
                Ok(page) => {
                    page.jobs.iter().for_each(|job| self.0.adopt(job));
                    match page.next {
                        Some(next) if self.0.open.used() < self.0.open.limit() => query.before = Some(next),
                        _ => return,
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "open jobs could not be counted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Inner {
    /// Counts a job that is open.
    fn adopt(self: &Arc<Self>, job: &Job) {
        let spec = serde_json::from_value::<ModuleSpec>(job.payload.clone());
        let Some(wanted) = spec
            .ok()
            .filter(|spec| spec.missed)
            .and_then(|spec| wanted_of(&spec))
        else {
            return;
        };
        if let Some(permit) = self.open.try_take(&share_of(wanted.0.path()))
            && self.taken.lock().adopt(&wanted, &job.id)
        {
            self.watch(wanted, job.id.clone(), permit);
        }
    }

    /// Submits a job, whether or not its caller stays.
    async fn begin(self: &Arc<Self>, wanted: &Wanted) -> Result<JobId, ProxyError> {
        if self.engine.is_draining() {
            return Err(ProxyError::overloaded(
                "this server is shutting down",
                RETRY_AFTER,
            ));
        }
        let permit = self.open.try_take(&share_of(wanted.0.path())).ok_or_else(|| {
            let reason = format!(
                "{} modules or more are being brought in already",
                self.open.used()
            );
            ProxyError::overloaded(reason, RETRY_AFTER)
        })?;
        let most = self.options.open.saturating_mul(KEPT_PER_OPEN);
        if self.taken.lock().ended() + self.open.used() > most {
            let reason = "too many modules have been brought in lately";
            return Err(ProxyError::overloaded(reason, RETRY_AFTER));
        }
        let (this, wanted) = (Arc::clone(self), wanted.clone());
        let submitting = self.tasks.spawn(async move {
            let submitted = this.engine.store().submit(vec![job_of(&wanted)]).await;
            let id = submitted.map(|jobs| jobs.first().map(Submitted::id).cloned());
            let id = id.map_err(|error| not_stored(&error))?;
            let id = id.ok_or_else(|| ProxyError::internal("the store of jobs gave no id"))?;
            this.watch(wanted, id.clone(), permit);
            Ok(id)
        });
        let lost = |_panic| ProxyError::internal("a job was not submitted; see the log");
        submitting.await.map_err(lost)?
    }

    /// Holds `permit` until the job has ended, and remembers what it came to.
    fn watch(self: &Arc<Self>, wanted: Wanted, id: JobId, permit: QuotaPermit) {
        let (this, ending) = (Arc::clone(self), self.ending.clone());
        self.tasks.spawn(async move {
            let over = async {
                let failure = this.end_of(&id).await;
                this.taken.lock().over(&wanted, &id, failure);
                drop(permit);
            };
            ending.run_until_cancelled(over).await;
        });
    }

    /// Why the job failed, when it has ended; none if it is done, or somebody cancelled it.
    async fn end_of(&self, id: &JobId) -> Option<Failure> {
        loop {
            match self.engine.wait(id, WAIT).await {
                Ok(None) => return None,
                Ok(Some((job, _))) => match job.state {
                    State::Dead { failure, .. } => return Some(failure),
                    state if state.name().has_ended() => return None,
                    _ => {}
                },
                Err(error) => {
                    tracing::debug!(%error, job = %id, "the end of a job could not be read");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// What a job brings in.
fn wanted_of(spec: &ModuleSpec) -> Option<Wanted> {
    let query = spec.query().ok()?;
    let target = ModuleVersion::new(query.path().clone(), query.version()?.clone()).ok()?;
    let files = if spec.go_mod_only {
        WantedFiles::GoMod
    } else {
        WantedFiles::All
    };
    Some((target, files))
}

fn job_of((target, files): &Wanted) -> NewJob {
    let query = Query::Version(target.version().clone());
    let spec = ModuleSpec {
        missed: true,
        ..ModuleSpec::new(target.path(), &query, *files)
    };
    NewJob {
        priority: SOON,
        keep: Some(KEPT),
        ..spec.job()
    }
}

/// Why a job is not taken. What the store says is for the log.
fn not_stored(error: &StoreError) -> ProxyError {
    tracing::warn!(%error, "a module could not be taken for later");
    let reason = match error {
        StoreError::Away(_) => "the store of jobs is away",
        StoreError::Full(_) => "the store of jobs has no room left",
        StoreError::Unusable(_) => "the store of jobs cannot be used",
        StoreError::Closed => "this server is shutting down",
    };
    ProxyError::overloaded(
        format!("it is not here yet, and cannot be brought in later: {reason}"),
        RETRY_AFTER,
    )
}

/// What the failure of a job means to who asks for the same again.
fn failed(failure: &Failure, id: &JobId) -> ProxyError {
    let meaning = match &*failure.class {
        "not_found" => Meaning::NotFound,
        "gone" => Meaning::Gone,
        "refused" => Meaning::Refused,
        "unsupported" => Meaning::Unsupported,
        "upstream" => Meaning::BadUpstream,
        "timeout" | "deadline" => Meaning::Deadline,
        _ => Meaning::Internal,
    };
    let (text, job) = (Arc::clone(&failure.text), id.as_str().into());
    ProxyError::from(Cause::Job { meaning, text, job }).remembered()
}

#[async_trait]
impl ModuleQueue for MissQueue {
    async fn take(&self, target: &ModuleVersion, files: WantedFiles) -> Result<Arc<str>, ProxyError> {
        let inner = &self.0;
        let wanted = (target.clone(), files);
        let is_old = |failed: &taken::Failed| {
            failed.at.elapsed() >= inner.options.failed_ttl
                || inner.options.refreshes.is_old(target.path(), failed.at)
        };
        let known = inner.taken.lock().get(&wanted, is_old);
        let place = match known {
            Known::Failed(failed_before) => return Err(failed(&failed_before.failure, &failed_before.id)),
            Known::Open(place) => Ticket::new(&inner.taken, wanted.clone(), place),
        };
        let id = place.id(|| inner.begin(&wanted)).await?;
        Ok(id.as_str().into())
    }
}

impl fmt::Debug for MissQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MissQueue")
            .field("open", &self.0.open)
            .finish_non_exhaustive()
    }
}
