//! The workers of one kind of jobs.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Claim, Gate, Kind, KindOptions, Observer, Run, engine_options::EngineOptions, pause::Pause,
    runner::Runner, runs::Runs,
};

/// How many jobs are claimed in one question.
const MOST: usize = 256;

/// Claims jobs of one kind as soon as there are any and a worker is free, and runs them.
///
/// Nobody asks the store again and again: the pool waits for a signal of the store, for the moment that the store named, for a
/// worker, or for the gate.
#[derive(Debug)]
pub(crate) struct WorkerPool {
    pub(crate) kind: Kind,
    pub(crate) options: KindOptions,
    pub(crate) engine: EngineOptions,
    pub(crate) runner: Runner,
    pub(crate) gate: Option<Gate>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) tasks: TaskTracker,
    pub(crate) draining: CancellationToken,
    /// Cancelled when nobody can wait for results any more.
    pub(crate) ending: CancellationToken,
}

impl WorkerPool {
    /// Works until the engine drains.
    pub(crate) async fn work(mut self) {
        let draining = self.draining.clone();
        draining.run_until_cancelled(self.claim_and_run()).await;
    }

    async fn claim_and_run(&mut self) {
        let workers = Arc::new(Semaphore::new(self.options.workers));
        let mut signal = self.runner.store.signals().work;
        let mut pause = Pause::default();
        loop {
            // What happens from here on wakes the pool again, even while it asks.
            signal.borrow_and_update();
            let Ok(first) = Arc::clone(&workers).acquire_owned().await else {
                return;
            };
            let permits = more(first, &workers);
            if self.gate.as_ref().is_some_and(|gate| gate.closed().is_some()) {
                drop(permits);
                self.gate_or_never().await;
                continue;
            }
            let claim = Claim {
                node: Arc::clone(&self.engine.node),
                kinds: vec![self.kind.clone()],
                max: permits.len(),
                lease: self.engine.lease,
            };
            let asked = permits.len();
            match self.runner.store.claim(&claim).await {
                Ok(claimed) => {
                    pause.reset();
                    let is_all = claimed.jobs.len() < asked;
                    let mut permits = permits.into_iter();
                    for (job, settings) in claimed.jobs {
                        let Some(lease) = job.lease().cloned() else {
                            continue;
                        };
                        let store = Arc::clone(&self.runner.store);
                        let run = Run::new(job, lease, settings, store, self.engine.lease);
                        self.start(Arc::new(run), permits.next()).await;
                    }
                    drop(permits);
                    if is_all {
                        self.wait(&mut signal, claimed.next).await;
                    }
                }
                Err(error) => {
                    drop(permits);
                    tracing::warn!(kind = %self.kind, %error, "jobs could not be claimed");
                    self.runner.observer.store_failed(&error);
                    pause.wait().await;
                }
            }
        }
    }

    async fn start(&self, run: Arc<Run>, permit: Option<OwnedSemaphorePermit>) {
        let Some(permit) = permit else {
            return self
                .runner
                .give_back(&run, "the store gave more than was asked for")
                .await;
        };
        let ends = Ends::of(&self.runner.observer, &run);
        let entered = self.runs.enter(&run);
        let (runner, ending) = (self.runner.clone(), self.ending.clone());
        self.tasks.spawn(async move {
            ending.run_until_cancelled(runner.run(run, entered)).await;
            drop(ends);
            drop(permit);
        });
    }

    /// Waits until there may be something to claim.
    async fn wait(&mut self, signal: &mut watch::Receiver<u64>, next: Option<Duration>) {
        let moment = async {
            match next {
                // A claim that finds nothing and names no time must not become a busy loop.
                Some(next) => tokio::time::sleep(next.max(Duration::from_millis(1))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = signal.changed() => {
                if changed.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            () = moment => {}
            () = self.gate_or_never() => {}
        }
    }

    async fn gate_or_never(&mut self) {
        match &mut self.gate {
            Some(gate) => gate.changed().await,
            None => std::future::pending().await,
        }
    }
}

/// Tells the observer that a run is over, however it ends.
struct Ends {
    observer: Arc<dyn Observer>,
    run: Arc<Run>,
}

impl Ends {
    fn of(observer: &Arc<dyn Observer>, run: &Arc<Run>) -> Self {
        observer.starts(run.job());
        Self {
            observer: Arc::clone(observer),
            run: Arc::clone(run),
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.observer.ends(self.run.job());
    }
}

/// As many permits as there are, one of which is had already.
fn more(first: OwnedSemaphorePermit, workers: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let others = std::iter::from_fn(|| Arc::clone(workers).try_acquire_owned().ok());
    std::iter::once(first).chain(others).take(MOST).collect()
}
