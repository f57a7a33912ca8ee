//! A mark of a response: the server asked for a pause.

use std::time::Duration;

/// Stands in the extensions of a [`Response`](crate::Response) by which the server asked for a pause: with `Retry-After`, or
/// by saying that nothing is left of a limit. The lane is throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// For how long nothing is sent, at most `max_throttle`.
    pub pause: Duration,
}
