//! One exchange: where it goes, and how long it may take.

use std::io;
use std::time::Duration;

/// How long one exchange (for a stream, one step of it) may take before it fails with `TimedOut`.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// `host:port` and the rest of an `http://` URL.
pub(crate) fn split_url(url: &str) -> (&str, &str) {
    let rest = url
        .strip_prefix("http://")
        .unwrap_or_else(|| panic!("not an http:// URL: {url}"));
    match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    }
}

/// Runs one step of an exchange under [`DEADLINE`].
pub(super) async fn within<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "the peer did not answer in time");
    tokio::time::timeout(DEADLINE, step)
        .await
        .unwrap_or_else(|_| Err(timed_out()))
}
