//! One run of a job, from its claim to the result that the store has.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use serde_json::Map;

use crate::{
    Failure, Finished, Handler, Observer, Outcome, Run, Store,
    pause::Pause,
    runs::{Entered, Stop},
};

/// Runs jobs of one kind and hands their results to the store.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) timeout: Option<Duration>,
}

impl Runner {
    /// Runs the job, and sees to it that the store has the result: while the store is away, the result waits here. Under a
    /// lease that has ended meanwhile it is refused, which is the end of it.
    pub(crate) async fn run(self, run: Arc<Run>, mut entered: Entered) {
        let began = tokio::time::Instant::now();
        let Some(outcome) = self.outcome(&run, &mut entered).await else {
            tracing::warn!(job = %run.job().id, epoch = run.lease().epoch, "a run is stopped: its lease has ended, and its result is refused");
            self.observer.stale(run.job());
            return;
        };
        let time = began.elapsed();
        self.observer.ran(run.job(), &outcome, time);
        let notes = run.take_notes();
        let mut pause = Pause::default();
        loop {
            let finished = self
                .store
                .finish(&run.job().id, run.lease(), outcome.clone(), notes.clone())
                .await;
            match finished {
                Ok(Finished::Stored) => {
                    self.observer.stored(run.job(), &outcome, &notes, time);
                    return;
                }
                Ok(Finished::Stale) => {
                    tracing::warn!(job = %run.job().id, epoch = run.lease().epoch, "the result of a run came after the end of its lease and is refused");
                    self.observer.stale(run.job());
                    return;
                }
                Err(error) => {
                    tracing::warn!(job = %run.job().id, %error, "a result waits for the job store");
                    if matches!(error, crate::StoreError::Closed) {
                        return;
                    }
                    pause.wait().await;
                }
            }
        }
    }

    /// What the run comes to; none if nobody wants to know.
    async fn outcome(&self, run: &Run, entered: &mut Entered) -> Option<Outcome> {
        let timeout = run.job().timeout_ms.map(Duration::from_millis).or(self.timeout);
        let limit = async {
            match timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        let work = AssertUnwindSafe(self.handler.run(run)).catch_unwind();
        tokio::select! {
            // What is done is done, even if it was to be stopped in the same moment.
            biased;
            done = work => Some(done.unwrap_or_else(|_panic| {
                let text = "the handler panicked; the log has more";
                Outcome::Retry { failure: Failure::new("panic", text), after: None }
            })),
            stop = entered.stopped() => match stop {
                Stop::Cancelled(failure) => Some(Outcome::Cancelled(failure)),
                Stop::Interrupted(failure) => Some(Outcome::Interrupted(failure)),
                Stop::Lost => None,
            },
            () = limit => {
                let text = format!("the run took longer than {:?}", timeout.unwrap_or_default());
                Some(Outcome::Retry { failure: Failure::new("timeout", &text), after: None })
            }
        }
    }

    /// Gives a job back that was claimed and cannot be run here, so that another node takes it.
    pub(crate) async fn give_back(&self, run: &Run, why: &str) {
        let outcome = Outcome::Interrupted(Failure::new("interrupted", why));
        if let Err(error) = self
            .store
            .finish(&run.job().id, run.lease(), outcome, Map::new())
            .await
        {
            tracing::warn!(job = %run.job().id, %error, "a job could not be given back; its lease will end");
        }
    }
}
