//! Joins callers who ask for the same thing.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_cache::{Flights, Found, LostError};
use stoa_dispatch::{Quota, Urgency};
use stoa_fetch::{Hops, Question, share_of};
use stoa_module::Resource;
use stoa_telemetry::FlightSpan;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{Cause, Outcome, ProxyError, Refreshes, Stashed, Stasher};

/// When a refused client may come back.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Starts one flight for each distinct question and lets later callers join it.
///
/// The flight is a task of its own, so no caller's departure, not even the first one's, cancels it. Its key is held
/// until the answer is whole: for a [growing](crate::Content::Growing) answer until its writer ends. A panic inside
/// becomes an error for all callers, and frees the key.
///
/// A flight has no caller. It is as urgent as the most urgent of those that wait for it, so that an interactive caller
/// lifts a background flight in every queue where it stands, and it falls back when that caller leaves. A caller's
/// deadline ends its wait and nothing else.
///
/// A flight outlives those who started it, so the modules of one share have three quarters of all flights at most.
///
/// What is stored is fetched once and no more, because a flight looks into storage first. An answer that may change is
/// only remembered after its flight has ended: a caller who missed it in memory just before, and comes here just after,
/// starts another flight.
#[derive(Debug)]
pub struct SingleFlight {
    inner: Arc<dyn Stasher>,
    flights: Flights<FlightOf, FlightState, Stashed, ProxyError>,
    /// As many, divided among the shares of modules.
    parts: Quota,
    refreshes: Arc<Refreshes>,
    /// Whether questions of other nodes fly by themselves.
    apart: bool,
}

/// What a flight is for. Questions that another node passed on fly by themselves: a flight that waits for that node must
/// not be waited for by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FlightOf {
    resource: Resource,
    hops: Hops,
    /// Of an answer that may change: since when there has been something new. Who asks after that does not wait for a
    /// flight that began before.
    since: Option<Instant>,
}

/// What the callers of a flight and its work share.
#[derive(Clone, Debug)]
struct FlightState {
    urgency: Urgency,
    span: FlightSpan,
}

impl fmt::Display for FlightOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)
    }
}

impl SingleFlight {
    /// At most `max` flights at a time, which run on `tasks`; their owner waits for them at shutdown.
    pub fn new(inner: Arc<dyn Stasher>, max: usize, refreshes: Arc<Refreshes>, tasks: TaskTracker) -> Self {
        Self {
            inner,
            refreshes,
            flights: Flights::new(tasks, max),
            parts: Quota::new(max),
            apart: true,
        }
    }

    /// One for questions of this node and of others alike, inside of which no other node is waited for.
    #[must_use]
    pub fn of_everybody(self) -> Self {
        Self { apart: false, ..self }
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
        let context = &question.context;
        let key = FlightOf {
            resource: question.resource.clone(),
            hops: if self.apart { context.hops } else { Hops::None },
            since: match &question.resource {
                resource if resource.is_mutable() => self.refreshes.latest(resource.module().as_str()),
                _ => None,
            },
        };
        let trace = context.trace.to_string();
        let state = || FlightState {
            urgency: Urgency::shared(),
            span: FlightSpan::new(&trace),
        };
        let work = |state: FlightState| {
            let (inner, resource) = (Arc::clone(&self.inner), question.resource.clone());
            let share = share_of(resource.module());
            let part = self.parts.try_take(&share);
            let question = Question::new(resource, context.shared(state.urgency).in_share(share));
            let span = state.span.span().clone();
            async move {
                let _part = part.ok_or_else(|| {
                    let reason = format!("too much of {} is being fetched already", question.context.share);
                    ProxyError::overloaded(reason, RETRY_AFTER)
                })?;
                tracing::debug!(%question, "brought in for all that wait for it");
                inner.stash(&question).await
            }
            .instrument(span)
        };
        let keep = |stashed: Stashed, key| stashed.guard(key);
        let flight = match self.flights.join_keeping(&key, || None, state, work, keep)? {
            Found::Flight(flight) => flight,
            Found::Value(stashed) => return Ok(stashed),
        };
        if flight.joined() {
            flight.state().span.join(&trace);
        }
        let urgency = flight.state().urgency.clone();
        let landing = context.urgency.lend(&urgency, flight.wait());
        let landed = match context.deadline {
            None => landing.await,
            Some(deadline) => timeout_at(deadline, landing)
                .await
                .map_err(|_elapsed| Cause::Deadline {
                    what: question.to_string(),
                })?,
        };
        let landed = landed
            .map_err(|LostError| ProxyError::internal("the fetch panicked or was dropped; see the log"))?;
        let mut stashed = landed.result?;
        if landed.joined && stashed.outcome == Outcome::Miss {
            stashed.outcome = Outcome::Coalesced;
        }
        Ok(stashed)
    }
}
