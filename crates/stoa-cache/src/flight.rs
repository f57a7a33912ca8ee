//! One flight, as its callers see it.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

use crate::error::LostError;

/// The result of a flight, once there is one.
pub(crate) type Landing<V, E> = watch::Receiver<Option<Result<V, E>>>;

/// What all callers of a flight share.
#[derive(Debug)]
pub(crate) struct InFlight<S, V, E> {
    pub(crate) state: S,
    pub(crate) landing: Landing<V, E>,
}

/// A caller's place in a flight. Dropping it leaves the flight, which goes on.
pub struct Flight<S, V, E> {
    // Flights counts these to know how many callers there are.
    in_flight: Arc<InFlight<S, V, E>>,
    joined: bool,
}

/// What a flight brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed<V, E> {
    /// The result of its work.
    pub result: Result<V, E>,
    /// This caller joined the flight; another one had started it.
    pub joined: bool,
}

/// What [`Flights::join_or`](crate::Flights::join_or) found.
#[derive(Debug)]
pub enum Found<S, V, E> {
    /// The second look found the value, and no flight was started.
    Value(V),
    /// The flight that was started or joined.
    Flight(Flight<S, V, E>),
}

impl<S, V, E> Flight<S, V, E> {
    pub(crate) fn new(in_flight: Arc<InFlight<S, V, E>>, joined: bool) -> Self {
        Self { in_flight, joined }
    }

    /// The state that all callers of the flight and its work share.
    pub fn state(&self) -> &S {
        &self.in_flight.state
    }

    /// Whether another caller had started the flight.
    pub fn joined(&self) -> bool {
        self.joined
    }
}

impl<S, V: Clone, E: Clone> Flight<S, V, E> {
    /// Waits for the result.
    pub async fn wait(self) -> Result<Landed<V, E>, LostError> {
        let mut landing = self.in_flight.landing.clone();
        let result = landing.wait_for(Option::is_some).await.ok();
        let result = result.and_then(|result| result.clone()).ok_or(LostError)?;
        Ok(Landed {
            result,
            joined: self.joined,
        })
    }
}

impl<S: fmt::Debug, V, E> fmt::Debug for Flight<S, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("state", &self.in_flight.state)
            .field("joined", &self.joined)
            .finish_non_exhaustive()
    }
}
