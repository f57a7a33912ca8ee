//! What runs jobs on a node.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    AggregationKey, Event, Failure, Gate, Job, JobId, Kind, Store, StoreError,
    engine_options::EngineOptions,
    journal::Journal,
    runs::{Runs, Stop},
};

/// What came of a drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Runs that came to their own end.
    pub finished: usize,
    /// Runs that were stopped; their jobs are back in the queue and were charged nothing.
    pub interrupted: usize,
    /// Runs whose results the store has not got; their leases will end.
    pub abandoned: usize,
}

/// Runs the jobs of a store on this node, as one of several or alone.
///
/// What is done to jobs goes through the [`Store`]; the engine adds what needs somebody who stays: workers, leases that are
/// renewed, and waiting for what becomes of a job. [`Engine::drain`] ends it.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: EngineOptions,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) gates: BTreeMap<Kind, Gate>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) tasks: TaskTracker,
    /// Leases and housekeeping, which go on while runs end.
    pub(crate) upkeep: TaskTracker,
    pub(crate) draining: CancellationToken,
    pub(crate) ending: CancellationToken,
}

impl Engine {
    /// What keeps the jobs.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The name of the node, which no other one has.
    pub fn node(&self) -> &str {
        &self.options.node
    }

    /// Whether jobs of a kind are run on this node.
    pub fn runs(&self, kind: &Kind) -> bool {
        self.kinds.contains(kind)
    }

    /// Why no job of a kind is started on this node, though there are workers: its gate is closed.
    pub fn closed(&self, kind: &Kind) -> Option<Failure> {
        self.gates.get(kind)?.closed()
    }

    /// Whether nothing is started any more.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// How many jobs of each aggregation run on this node.
    pub fn running(&self) -> HashMap<AggregationKey, usize> {
        self.runs.by_aggregation()
    }

    /// Waits until a job has ended, at most for `time`, and returns it as it is then, with how far its run has come. None if
    /// there is no such job.
    pub async fn wait(&self, id: &JobId, time: Duration) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        self.journal.wait(id, Instant::now() + time).await
    }

    /// What happens from now on. A receiver that does not keep up misses the oldest events and is told so.
    pub fn events(&self) -> tokio::sync::broadcast::Receiver<Event> {
        self.journal.subscribe()
    }

    /// Starts nothing any more. What runs goes on.
    pub fn quiet(&self) {
        self.draining.cancel();
    }

    /// Starts nothing any more, gives what runs `grace` to end, and stops the rest: these jobs go back into the queue, are
    /// charged nothing, and may start on another node at once. The second call finds nothing to do.
    pub async fn drain(&self, grace: Duration) -> DrainReport {
        self.draining.cancel();
        self.tasks.close();
        let running = self.runs.len();
        let grace = Instant::now() + grace;
        let in_time = timeout_at(grace, self.runs.is_empty()).await.is_ok();
        let left = self.runs.all(false);
        for run in &left {
            self.runs.stop(
                run,
                Stop::Interrupted(Failure::new("interrupted", "the node is shutting down")),
            );
        }
        // Results are written at once unless the store is away, and then nobody can wait for it for long.
        let written = Instant::now() + self.options.heartbeat;
        let is_written = in_time || timeout_at(written, self.runs.is_empty()).await.is_ok();
        let abandoned = if is_written { 0 } else { self.runs.len() };
        self.ending.cancel();
        self.upkeep.close();
        self.upkeep.wait().await;
        self.tasks.wait().await;
        DrainReport {
            finished: running.saturating_sub(left.len()),
            interrupted: left.len().saturating_sub(abandoned),
            abandoned,
        }
    }
}
