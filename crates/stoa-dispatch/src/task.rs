//! What to send, and how much it matters.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::request::Parts;
use tokio::time::Instant;

use crate::{Filter, LaneKey, LaneKeyError, Request, Response, Share, Urgency};

/// An error of the code that builds a request.
pub type BuildError = Box<dyn std::error::Error + Send + Sync>;

type Building = Pin<Box<dyn Future<Output = Result<Option<Request>, BuildError>> + Send>>;

/// A request to be sent, or the recipe of one, with its conditions.
///
/// The recipe is followed once the task has a permit, not before: what it makes may be signed, dated or large.
pub struct Task {
    pub(crate) lane: LaneKey,
    pub(crate) share: Share,
    pub(crate) urgency: Urgency,
    pub(crate) expiry: Option<Instant>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) filters: Vec<Arc<dyn Filter>>,
    pub(crate) retryable: Option<bool>,
    pub(crate) again: bool,
    pub(crate) recipe: Recipe,
}

pub(crate) enum Recipe {
    Ready(Box<Request>),
    Lazy(Box<dyn FnOnce() -> Building + Send>),
}

impl Task {
    /// A request that is there already. It takes the lane of the server that its URI names.
    ///
    /// # Errors
    /// When the URI names no server.
    pub fn ready(request: Request) -> Result<Self, LaneKeyError> {
        let lane = LaneKey::of_uri(request.uri())?;
        Ok(Self::new(lane, Recipe::Ready(Box::new(request))))
    }

    /// A request that `build` makes once the task has a permit. `build` may find that there is nothing to send.
    pub fn lazy<F, B>(lane: LaneKey, build: F) -> Self
    where
        F: FnOnce() -> B + Send + 'static,
        B: Future<Output = Result<Option<Request>, BuildError>> + Send + 'static,
    {
        Self::new(lane, Recipe::Lazy(Box::new(move || Box::pin(build()))))
    }

    fn new(lane: LaneKey, recipe: Recipe) -> Self {
        Self {
            lane,
            share: Share::NONE,
            urgency: Urgency::default(),
            expiry: None,
            deadline: None,
            filters: Vec::new(),
            retryable: None,
            again: false,
            recipe,
        }
    }

    /// In another lane than that of its server.
    #[must_use]
    pub fn in_lane(mut self, lane: LaneKey) -> Self {
        self.lane = lane;
        self
    }

    /// Not worth sending after `expiry`. At that very moment it still is. Of two expiries the sooner counts.
    #[must_use]
    pub fn perishable(mut self, expiry: Instant) -> Self {
        self.expiry = Some(self.expiry.map_or(expiry, |other| other.min(expiry)));
        self
    }

    /// Only if `filter` lets it pass, after the filters of the pool and those given before.
    #[must_use]
    pub fn filtered(mut self, filter: Arc<dyn Filter>) -> Self {
        self.filters.push(filter);
        self
    }

    /// To be over, body included, within `deadline` of its admission.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// With this urgency; without one it is interactive.
    #[must_use]
    pub fn urgency(mut self, urgency: impl Into<Urgency>) -> Self {
        self.urgency = urgency.into();
        self
    }

    /// For this share; without one it is held to no part of a lane or of the pool.
    #[must_use]
    pub fn share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// Whether it may be retried after a failure; without this, it may if its method is idempotent.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = Some(retryable);
        self
    }

    /// Asks once more for what has failed a moment ago. The breaker has counted that: another failure says nothing new of
    /// the server, unless it is the probe. A success counts.
    #[must_use]
    pub fn again(mut self, again: bool) -> Self {
        self.again = again;
        self
    }

    /// Where it goes.
    pub fn lane(&self) -> &LaneKey {
        &self.lane
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("lane", &self.lane)
            .field("share", &self.share)
            .field("urgency", &self.urgency)
            .finish_non_exhaustive()
    }
}

/// Does something with the response of a task whose caller does not wait for it.
///
/// It is called only when a response came, whatever its status. What it leaves unread of the body is cleaned up after it.
/// Implemented for functions of a response and the head of its request that return a future.
pub trait Consumer: Send + 'static {
    /// Takes the response.
    fn consume(
        self: Box<Self>,
        response: Response,
        request: Parts,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl<F, B> Consumer for F
where
    F: FnOnce(Response, Parts) -> B + Send + 'static,
    B: Future<Output = ()> + Send + 'static,
{
    fn consume(
        self: Box<Self>,
        response: Response,
        request: Parts,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self(response, request))
    }
}

/// A consumer that reads nothing: only the events say how the task ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Consumer for Discard {
    fn consume(
        self: Box<Self>,
        response: Response,
        _request: Parts,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        drop(response);
        Box::pin(std::future::ready(()))
    }
}
