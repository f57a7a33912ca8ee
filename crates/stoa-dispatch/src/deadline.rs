//! When a time ends.

use std::time::Duration;

use tokio::time::Instant;

/// Thirty years: "never" as an [`Instant`]. Some platforms overflow on larger values.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The end of a time that begins at `from`. A time without a bound, such as [`Duration::MAX`], ends in thirty years.
pub(crate) fn after(from: Instant, time: Duration) -> Instant {
    from + time.min(NEVER)
}
