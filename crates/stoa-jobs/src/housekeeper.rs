//! Ends what nobody else ends.

use std::{sync::Arc, time::Duration};

use crate::{Observer, Store, pause::Pause};

/// The longest time between two looks, unless leases are short.
const LONGEST: Duration = Duration::from_secs(30);

/// Has the store end leases, deadlines and jobs whose time has come. Every node does it, and whoever comes first is enough.
#[derive(Debug)]
pub(crate) struct Housekeeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) lease: Duration,
}

impl Housekeeper {
    /// Keeps house for as long as anybody lets it.
    pub(crate) async fn keep(self) {
        let mut pause = Pause::default();
        // Leases that were given after the last look end within this time at the soonest.
        let longest = LONGEST.min(self.lease / 4);
        loop {
            match self.store.keep_house().await {
                Ok(kept) => {
                    pause.reset();
                    if !kept.lost.is_empty() {
                        let jobs = kept.lost.len();
                        tracing::warn!(
                            jobs,
                            "jobs were taken back from nodes that were not heard of any more"
                        );
                        self.observer.recovered(&kept.lost);
                    }
                    tokio::time::sleep(kept.next.unwrap_or(longest).min(longest)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the job store could not be kept in order");
                    self.observer.store_failed(&error);
                    pause.wait().await;
                }
            }
        }
    }
}
