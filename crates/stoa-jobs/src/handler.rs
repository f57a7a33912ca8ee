//! What does the work.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::{AggregationSettings, Job, Lease, Outcome, Renewal, Renewed, Store, StoreError};

/// Does the work of jobs of one kind.
///
/// # Contract
/// * The future may be dropped at any await: when the job is cancelled, its time is up, its lease is lost, or the engine ends.
///   What the run has done until then has to be such that another run can go on from it, or begin anew.
/// * A run is done at least once. What must happen once only is made so by the handler: it asks [`Run::is_ours`] right before
///   it publishes something, and publishes in a way that does no harm twice.
#[async_trait]
pub trait Handler: fmt::Debug + Send + Sync + 'static {
    /// Runs a job.
    async fn run(&self, run: &Run) -> Outcome;
}

/// One run of a job.
#[derive(Debug)]
pub struct Run {
    job: Job,
    lease: Lease,
    settings: AggregationSettings,
    store: Arc<dyn Store>,
    lease_time: std::time::Duration,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    progress: Option<Value>,
    /// Whether the progress has changed since the store was told.
    is_new: bool,
    notes: Map<String, Value>,
}

impl Run {
    pub(crate) fn new(
        job: Job,
        lease: Lease,
        settings: AggregationSettings,
        store: Arc<dyn Store>,
        lease_time: std::time::Duration,
    ) -> Self {
        Self {
            job,
            lease,
            settings,
            store,
            lease_time,
            told: Mutex::default(),
        }
    }

    /// The job as it was claimed.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The lease under which it runs. Its epoch is another one for each run of the job.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The settings of its aggregation as they were when it was claimed.
    pub fn settings(&self) -> &AggregationSettings {
        &self.settings
    }

    /// Tells how far the run has come, for those who look at the job. The store is told about once a second.
    pub fn progress(&self, progress: Value) {
        let mut told = self.told.lock();
        told.progress = Some(progress);
        told.is_new = true;
    }

    /// Notes something that becomes part of the attempt, as a status or the address of a server. A note of the same name is
    /// replaced.
    pub fn note(&self, name: &str, value: impl Into<Value>) {
        self.told.lock().notes.insert(name.to_owned(), value.into());
    }

    /// Whether the run still holds its lease, by the word of the store. If so, it holds for its whole time again.
    pub async fn is_ours(&self) -> Result<bool, StoreError> {
        let renewal = Renewal {
            id: self.job.id.clone(),
            epoch: self.lease.epoch,
            progress: None,
        };
        let renewed = self.store.renew(&[renewal], self.lease_time).await?;
        Ok(!matches!(renewed.first(), None | Some(Renewed::Lost)))
    }

    /// What is told to the store at its next renewal.
    pub(crate) fn renewal(&self) -> Renewal {
        let mut told = self.told.lock();
        let is_new = std::mem::take(&mut told.is_new);
        let progress = is_new.then(|| told.progress.clone()).flatten();
        Renewal {
            id: self.job.id.clone(),
            epoch: self.lease.epoch,
            progress,
        }
    }

    pub(crate) fn has_news(&self) -> bool {
        self.told.lock().is_new
    }

    pub(crate) fn take_notes(&self) -> Map<String, Value> {
        std::mem::take(&mut self.told.lock().notes)
    }
}
