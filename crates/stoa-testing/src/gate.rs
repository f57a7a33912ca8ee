//! A point where a reply waits for the test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long [`Gate::reached`] waits before it fails the test.
const REACHED_DEADLINE: Duration = Duration::from_secs(30);

/// Holds replies back until the test releases them, once and for all.
///
/// Clones are the same gate: one may hold many replies.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            open: watch::Sender::new(false),
            arrived: watch::Sender::new(0),
        }))
    }

    /// Lets everything through, now and later.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    /// How many replies have come to the gate.
    pub fn arrivals(&self) -> usize {
        *self.0.arrived.borrow()
    }

    /// Waits until `count` replies have come to the gate; what precedes it is then on the wire.
    pub async fn reached(&self, count: usize) {
        let mut arrived = self.0.arrived.subscribe();
        let wait = tokio::time::timeout(REACHED_DEADLINE, arrived.wait_for(|seen| *seen >= count));
        let outcome = wait.await.is_ok();
        assert!(outcome, "{} of {count} replies reached the gate", self.arrivals());
    }

    /// Arrives, and waits for the release.
    pub async fn pass(&self) {
        self.0.arrived.send_modify(|count| *count += 1);
        let mut open = self.0.open.subscribe();
        open.wait_for(|open| *open)
            .await
            .expect("the gate is alive as long as self");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
