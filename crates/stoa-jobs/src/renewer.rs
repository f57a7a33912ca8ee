//! Keeps the leases of what runs on this node.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    Observer, Renewal, Renewed, Store,
    engine_options::EngineOptions,
    pause::Pause,
    runs::{Runs, Stop},
};

/// How often the store is told how far runs have come, if they have.
const PROGRESS: Duration = Duration::from_secs(1);
/// How many leases are renewed in one question.
const MOST: usize = 512;

/// Renews leases before they end, tells the store how far runs have come, and stops runs that somebody cancelled or that have
/// lost their lease. While the store is away, everything goes on: when it is back, it says which leases still hold.
#[derive(Debug)]
pub(crate) struct Renewer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) options: EngineOptions,
}

impl Renewer {
    /// Renews for as long as anybody lets it.
    pub(crate) async fn renew(self) {
        let mut control = self.store.signals().control;
        let mut heartbeat = Instant::now() + self.options.heartbeat;
        let mut pause = Pause::default();
        loop {
            let mut all = tokio::select! {
                changed = control.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    true
                }
                () = tokio::time::sleep_until(heartbeat) => true,
                () = tokio::time::sleep(PROGRESS.min(self.options.heartbeat)) => false,
            };
            all |= Instant::now() >= heartbeat;
            let runs = self.runs.all(!all);
            if all {
                heartbeat = Instant::now() + self.options.heartbeat;
            }
            for part in runs.chunks(MOST) {
                let renewals: Vec<Renewal> = part.iter().map(|run| run.renewal()).collect();
                match self.store.renew(&renewals, self.options.lease).await {
                    Ok(renewed) => {
                        pause.reset();
                        for (run, renewed) in part.iter().zip(renewed) {
                            match renewed {
                                Renewed::Held => {}
                                Renewed::Cancel(failure) => self.runs.stop(run, Stop::Cancelled(failure)),
                                Renewed::Lost => self.runs.stop(run, Stop::Lost),
                            }
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "leases could not be renewed");
                        self.observer.store_failed(&error);
                        // The failure may have taken a cancellation with it, so all are asked for again.
                        heartbeat = Instant::now();
                        pause.wait().await;
                    }
                }
            }
        }
    }
}
