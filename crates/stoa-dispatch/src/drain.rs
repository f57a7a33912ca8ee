//! Closing a pool.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::{deadline::after, pool_core::PoolCore};

/// After an abort, how long the pool waits for those that hold a task and do not look at it.
const ABORT_GRACE: Duration = Duration::from_secs(1);

/// How to close a pool.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long the tasks that were taken may take to end.
    pub timeout: Duration,
}

/// How a pool was closed. The first three count tasks that were taken before and had not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Tasks that ran to their end.
    pub finished: u64,
    /// Tasks that were cut off while they ran.
    pub aborted: u64,
    /// Tasks that never had a permit.
    pub abandoned: u64,
    /// Responses that a caller still holds without reading them.
    pub left: u64,
}

/// The pool has been closed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pool is closed already")]
pub struct AlreadyClosedError;

impl PoolCore {
    /// Takes nothing more, waits for what was taken, and cuts off what has not ended by the timeout.
    pub(crate) async fn close(&self, drain: Drain) -> Result<DrainReport, AlreadyClosedError> {
        {
            // Under the lock, so that of two that close at once only one succeeds.
            let _tally = self.tally.lock();
            if self.closing.is_given() {
                return Err(AlreadyClosedError);
            }
            self.closing.give();
        }
        self.tracker.close();
        if !self.all_done(drain.timeout).await {
            self.abort.give();
            self.all_done(ABORT_GRACE).await;
        }
        self.abort.give();
        self.tracker.wait().await;
        let tally = *self.tally.lock();
        Ok(DrainReport {
            finished: tally.finished,
            aborted: tally.aborted,
            abandoned: tally.abandoned,
            left: u64::try_from(self.outstanding.load(Ordering::SeqCst)).unwrap_or(u64::MAX),
        })
    }

    async fn all_done(&self, within: Duration) -> bool {
        let until = after(Instant::now(), within);
        loop {
            let mut done = std::pin::pin!(self.all_done.notified());
            done.as_mut().enable();
            if self.outstanding.load(Ordering::SeqCst) == 0 {
                return true;
            }
            if timeout_at(until, done).await.is_err() {
                return self.outstanding.load(Ordering::SeqCst) == 0;
            }
        }
    }
}
