//! Permits for work that is no request.

use std::{fmt, sync::Arc};

use crate::{
    Permit, Share, Urgency,
    limiter::{Entry, Limiter, PushedOut},
};

/// A bounded number of permits, handed out as a lane does: interactive work before background work, each in the order of
/// its arrival, and at most three tenths (at least one) to background work. What waits follows its [`Urgency`].
///
/// Clones hand out the same permits. The number that waits is not bounded here: each is a future of its caller.
#[derive(Clone)]
pub struct Permits(Arc<Limiter>);

impl Permits {
    /// So many permits, at least one.
    pub fn new(limit: usize) -> Self {
        Self(Limiter::new(limit, usize::MAX))
    }

    /// Waits for a permit. Dropping the permit gives it to the next; dropping the future leaves the queue.
    pub async fn acquire(&self, urgency: &Urgency) -> Permit {
        self.acquire_for(&Share::NONE, urgency).await
    }

    /// As [`Self::acquire`], for work of this share: no share has all permits, and of those that wait the share that has the
    /// fewest goes first.
    pub async fn acquire_for(&self, share: &Share, urgency: &Urgency) -> Permit {
        match self.0.enter_when_room(share, urgency).await {
            Entry::Permit(permit) => permit,
            Entry::Queued(mut queued) => match queued.permit(urgency).await {
                Ok(permit) => permit,
                // There is room for everybody in this queue.
                Err(PushedOut(_)) => std::future::pending().await,
            },
        }
    }

    /// How many there are.
    pub fn limit(&self) -> usize {
        self.0.load().limit
    }

    /// How many are held.
    pub fn used(&self) -> usize {
        self.0.load().used
    }

    /// How many are waited for.
    pub fn waiting(&self) -> usize {
        self.0.load().waiting
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = self.0.load();
        write!(
            f,
            "Permits({} of {}, {} wait)",
            load.used, load.limit, load.waiting
        )
    }
}
