//! How long to wait before a store that is away is asked again.

use std::time::Duration;

/// The first pause, which doubles,
const FIRST: Duration = Duration::from_millis(100);
/// up to this one.
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses between questions to a store that fails. They double, and each is between half and the whole of its time, so that
/// nodes do not come back together. A good answer makes the next pause short again.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    failures: u32,
}

impl Pause {
    /// The store has answered.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits after a failure.
    pub(crate) async fn wait(&mut self) {
        let doublings = self.failures.min(16);
        self.failures += 1;
        let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
        tokio::time::sleep(whole.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
}
