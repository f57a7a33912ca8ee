//! How parts hear of a drain.

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Says whether a drain has begun. Mounted parts find it among the extensions of a request, and end their streams with
/// it: what does not end by itself is cut when the drain has taken too long.
#[derive(Clone, Debug)]
pub struct DrainToken(CancellationToken);

impl DrainToken {
    /// The drain that `token` begins.
    pub fn new(token: CancellationToken) -> Self {
        Self(token)
    }

    /// Waits until a drain begins.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// Whether a drain has begun.
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) fn into_future(self) -> WaitForCancellationFutureOwned {
        self.0.cancelled_owned()
    }
}
