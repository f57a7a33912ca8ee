//! What runs on this node.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::{AggregationKey, Failure, JobId, handler::Run};

/// Why a run has to stop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stop {
    /// Somebody cancelled the job.
    Cancelled(Failure),
    /// The node ends, or may not go on.
    Interrupted(Failure),
    /// The lease has ended: nobody wants to hear of it any more.
    Lost,
}

/// One run and the way to stop it.
#[derive(Clone, Debug)]
struct Entry {
    run: Arc<Run>,
    stop: watch::Sender<Option<Stop>>,
}

/// What runs on this node, by job.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    entries: Mutex<HashMap<JobId, Entry>>,
    /// Notified when a run ends.
    ended: Notify,
}

impl Runs {
    /// Enters a run. It is there until what comes back is dropped.
    pub(crate) fn enter(self: &Arc<Self>, run: &Arc<Run>) -> Entered {
        let stop = watch::Sender::new(None);
        let stopped = stop.subscribe();
        let entry = Entry {
            run: Arc::clone(run),
            stop,
        };
        let id = run.job().id.clone();
        let epoch = run.lease().epoch;
        self.entries.lock().insert(id.clone(), entry);
        Entered {
            runs: Arc::clone(self),
            id,
            epoch,
            stopped,
        }
    }

    /// All runs, or those with news for the store.
    pub(crate) fn all(&self, with_news: bool) -> Vec<Arc<Run>> {
        let entries = self.entries.lock();
        let wanted = entries
            .values()
            .filter(|entry| !with_news || entry.run.has_news());
        wanted.map(|entry| Arc::clone(&entry.run)).collect()
    }

    /// Stops a run, unless a later one of the same job has taken its place.
    pub(crate) fn stop(&self, run: &Run, stop: Stop) {
        let entries = self.entries.lock();
        let entry = entries.get(&run.job().id);
        if let Some(entry) = entry.filter(|entry| entry.run.lease().epoch == run.lease().epoch) {
            entry.stop.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(stop);
                is_first
            });
        }
    }

    /// How many jobs run.
    pub(crate) fn len(&self) -> usize {
        self.entries.lock().len()
    }

    /// How many jobs of each aggregation run.
    pub(crate) fn by_aggregation(&self) -> HashMap<AggregationKey, usize> {
        let mut counts = HashMap::new();
        for entry in self.entries.lock().values() {
            *counts.entry(entry.run.job().aggregation.clone()).or_default() += 1;
        }
        counts
    }

    /// Waits until nothing runs.
    pub(crate) async fn is_empty(&self) {
        loop {
            let ended = self.ended.notified();
            if self.len() == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// A run that is entered.
#[derive(Debug)]
pub(crate) struct Entered {
    runs: Arc<Runs>,
    id: JobId,
    epoch: u64,
    stopped: watch::Receiver<Option<Stop>>,
}

impl Entered {
    /// Waits until the run has to stop.
    pub(crate) async fn stopped(&mut self) -> Stop {
        match self.stopped.wait_for(Option::is_some).await {
            Ok(stop) => stop.clone().unwrap_or(Stop::Lost),
            // A later run of the same job has taken the place: this one has lost its lease.
            Err(_closed) => Stop::Lost,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut entries = self.runs.entries.lock();
        if entries
            .get(&self.id)
            .is_some_and(|entry| entry.run.lease().epoch == self.epoch)
        {
            entries.remove(&self.id);
        }
        drop(entries);
        self.runs.ended.notify_waiters();
    }
}
