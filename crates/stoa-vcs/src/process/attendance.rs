//! Whether anybody waits for the work that programs are run for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often it is looked at: nothing tells when the last one goes away.
const LOOK: Duration = Duration::from_secs(1);

/// Tells whether anybody waits for a piece of work at this moment. Work that nobody waits for goes behind all other when
/// it needs a place, and its program is ended when its server falls silent; see [`Places`](super::Places).
///
/// It goes with the future that does the work, because the port for repositories knows nothing of who asks.
#[derive(Clone)]
pub struct Attendance(Arc<dyn Fn() -> bool + Send + Sync>);

tokio::task_local! {
    static CURRENT: Attendance;
}

impl Attendance {
    /// As `is_waited_for` says, which is asked again and again and must be quick.
    pub fn new(is_waited_for: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_waited_for))
    }

    /// Does `work`, whose programs take this attendance.
    pub async fn over<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The one of the work under way. Somebody waits for work that was given none.
    pub(crate) fn current() -> Self {
        CURRENT
            .try_with(Self::clone)
            .unwrap_or_else(|_| Self::new(|| true))
    }

    pub(crate) fn is_waited_for(&self) -> bool {
        (self.0)()
    }

    /// Resolves when nobody has waited for so long, and `goes_on` has not said yes meanwhile.
    pub(crate) async fn ends_for(&self, time: Duration, mut goes_on: impl FnMut() -> bool) {
        let mut since = Instant::now();
        while since.elapsed() < time {
            sleep(LOOK).await;
            if goes_on() || self.is_waited_for() {
                since = Instant::now();
            }
        }
    }
}

impl fmt::Debug for Attendance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attendance({})", self.is_waited_for())
    }
}
