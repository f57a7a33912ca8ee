//! Joins callers who ask for the same thing.

use std::{collections::HashMap, fmt, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures_util::FutureExt;
use parking_lot::Mutex;
use stoa_fetch::Resource;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{Outcome, ProxyError, Stashed, Stasher};

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
    flights: Arc<Flights>,
    tasks: TaskTracker,
}

type Flights = Mutex<HashMap<Resource, watch::Receiver<Option<Result<Stashed, ProxyError>>>>>;

/// Frees the key of a flight, however it ends.
struct Key {
    flights: Arc<Flights>,
    resource: Resource,
}

impl Drop for Key {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.resource);
    }
}

impl SingleFlight {
    /// Flights run on `tasks`, whose owner waits for them at shutdown.
    pub fn new(inner: Arc<dyn Stasher>, tasks: TaskTracker) -> Self {
        Self {
            inner,
            flights: Arc::default(),
            tasks,
        }
    }

    /// The flight for `resource`, and whether it was under way already.
    fn join(&self, resource: &Resource) -> (watch::Receiver<Option<Result<Stashed, ProxyError>>>, bool) {
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get(resource) {
            return (flight.clone(), true);
        }
        let (sender, flight) = watch::channel(None);
        flights.insert(resource.clone(), flight.clone());
        let key = Key {
            flights: Arc::clone(&self.flights),
            resource: resource.clone(),
        };
        let inner = Arc::clone(&self.inner);
        self.tasks.spawn(async move {
            let work = AssertUnwindSafe(inner.stash(&key.resource)).catch_unwind();
            let result = work.await.unwrap_or_else(|_panic| {
                tracing::error!(resource = %key.resource, "a fetch panicked");
                Err(ProxyError::internal("the fetch panicked; see the log"))
            });
            // Who waits is answered before the key is freed: nobody can start a second flight in between and still
            // miss what this one has stored.
            sender.send_replace(Some(result.clone()));
            if let Ok(stashed) = result {
                stashed.guard(key);
            }
        });
        (flight, false)
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
    async fn stash(&self, resource: &Resource) -> Result<Stashed, ProxyError> {
        let (mut flight, joined) = self.join(resource);
        let result = flight
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|result| result.clone());
        let mut stashed =
            result.unwrap_or_else(|| Err(ProxyError::internal("the fetch was dropped before it ended")))?;
        if joined && stashed.outcome == Outcome::Miss {
            stashed.outcome = Outcome::Coalesced;
        }
        Ok(stashed)
    }
}
