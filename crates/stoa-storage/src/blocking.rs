//! Blocking work, off the async threads.

use std::io;

/// Runs `work` on the blocking pool. A panic in it goes on in the caller.
///
/// Work that has begun is finished even if the caller goes away.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Cancelled> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(E::from(Cancelled)),
        },
    }
}

/// The runtime shut down before the work began.
#[derive(Debug)]
pub(crate) struct Cancelled;

impl From<Cancelled> for io::Error {
    fn from(_: Cancelled) -> Self {
        Self::other("the runtime is shutting down")
    }
}
