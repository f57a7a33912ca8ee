//! Joins callers who ask for the same thing.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use tokio_util::task::TaskTracker;

use crate::{
    Outcome, ProxyError, Stashed, Stasher,
    flights::{Flights, Lost},
};
use stoa_fetch::Question;
use stoa_module::Resource;

/// Starts one flight for each distinct question and lets later callers join it.
///
/// The flight is a task of its own, so no caller's departure, not even the first one's, cancels it. Its key is held
/// until the answer is whole: for a [`Growing`](crate::Growing) answer until its writer ends. A panic inside becomes an
/// error for everybody who waits, and frees the key.
///
/// What is stored is fetched once and no more, because a flight looks into storage first. An answer that may change is
/// only remembered after its flight has ended: a caller who missed it in memory just before, and comes here just after,
/// starts another flight.
#[derive(Debug)]
pub struct SingleFlight {
    inner: Arc<dyn Stasher>,
    flights: Flights<Resource, Stashed, ProxyError>,
}

impl SingleFlight {
    /// Flights run on `tasks`, whose owner waits for them at shutdown.
    pub fn new(inner: Arc<dyn Stasher>, tasks: TaskTracker) -> Self {
        Self {
            inner,
            flights: Flights::new(tasks),
        }
    }
}

impl fmt::Display for SingleFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "single_flight > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for SingleFlight {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        let work = || {
            let (inner, question) = (Arc::clone(&self.inner), question.clone());
            async move { inner.stash(&question).await }
        };
        let landed = self
            .flights
            .fly(&question.resource, work, |stashed, key| stashed.guard(key));
        let landed = landed
            .await
            .map_err(|Lost| ProxyError::internal("the fetch panicked or was dropped; see the log"))?;
        let mut stashed = landed.result?;
        if landed.joined && stashed.outcome == Outcome::Miss {
            stashed.outcome = Outcome::Coalesced;
        }
        Ok(stashed)
    }
}
