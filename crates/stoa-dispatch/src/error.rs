//! Why a request was not answered, by meaning.

use std::{fmt, sync::Arc, time::Duration};

use crate::{Cause, LaneKey, TransportError};

/// Where in the pipeline a request was. The order of the variants is the order of the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Waiting for room and for its permit.
    Admission,
    /// Its expiry was being checked.
    Expiry,
    /// It was being built.
    Build,
    /// A filter was looking at it.
    Filter,
    /// The breaker was asked.
    Breaker,
    /// Waiting for a permit for a retry.
    Concurrency,
    /// Waiting for the rate, or for the end of a pause that the server ordered.
    Rate,
    /// Waiting for the head of the response.
    Attempt,
    /// Pausing before a retry.
    Retry,
    /// Its body was being read.
    Body,
    /// Its consumer was at work.
    Consumer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admission => "a permit",
            Self::Expiry => "its expiry check",
            Self::Build => "being built",
            Self::Filter => "its filters",
            Self::Breaker => "the breaker",
            Self::Concurrency => "a permit for a retry",
            Self::Rate => "the rate limit",
            Self::Attempt => "a response",
            Self::Retry => "its next attempt",
            Self::Body => "the end of the body",
            Self::Consumer => "its consumer",
        })
    }
}

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Requests that wait in one lane.
    Queue,
    /// Requests in the whole pool.
    Tasks,
    /// Requests of one share in the whole pool.
    Share,
    /// Lanes, all of them in use.
    Lanes,
}

/// Why a request was not answered. Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DispatchError {
    /// There is no room.
    #[error("{lane}: {}", full(*.bound, *.limit))]
    Full {
        /// Where it should have gone.
        lane: LaneKey,
        /// What is full.
        bound: Bound,
        /// The bound.
        limit: usize,
    },
    /// The pool has been closed.
    #[error("the pool is closed")]
    Closed,
    /// It waited past its expiry, and was never sent.
    #[error("{lane}: the request expired while it waited")]
    Expired {
        /// Where it should have gone.
        lane: LaneKey,
    },
    /// A filter refused it.
    #[error("{lane}: refused by {filter}: {reason}")]
    Filtered {
        /// Where it should have gone.
        lane: LaneKey,
        /// Which filter.
        filter: String,
        /// Why.
        reason: String,
    },
    /// The server has failed too often; it is not asked for a while.
    #[error("{lane}: {}", open(*.retry_after, .cause.as_deref()))]
    BreakerOpen {
        /// Which lane.
        lane: LaneKey,
        /// When it is asked again; `None` if an operator forced the breaker open.
        retry_after: Option<Duration>,
        /// The last failure that was seen.
        cause: Option<Arc<str>>,
    },
    /// The rate limit, or a pause that the server ordered, lets it go only after it would have waited too long.
    #[error("{lane}: {}", rate(*.throttled, *.retry_after))]
    Rate {
        /// Which lane.
        lane: LaneKey,
        /// When it could have gone.
        retry_after: Duration,
        /// The server has ordered a pause.
        throttled: bool,
    },
    /// It waited for as long as the lane allows.
    #[error("{lane}: waited {after:?} for {stage}")]
    Waited {
        /// Which lane.
        lane: LaneKey,
        /// For what.
        stage: Stage,
        /// How long.
        after: Duration,
    },
    /// Its deadline passed.
    #[error("{lane}: the deadline of {after:?} passed while waiting for {stage}")]
    Deadline {
        /// Which lane.
        lane: LaneKey,
        /// Where it was.
        stage: Stage,
        /// The deadline, from admission.
        after: Duration,
    },
    /// All who had waited for it went away, and its response did not begin soon after.
    #[error("{lane}: no response, and nobody has waited for it for {after:?}")]
    Abandoned {
        /// Which lane.
        lane: LaneKey,
        /// How long it was given.
        after: Duration,
    },
    /// Its lane was given to a server of another site, which had none while this one's site had the most.
    #[error("{lane}: its lane was needed for another host")]
    Evicted {
        /// Which lane.
        lane: LaneKey,
    },
    /// The server sent no head in time.
    #[error("{lane}: no response within {after:?}")]
    AttemptTimeout {
        /// Which lane.
        lane: LaneKey,
        /// How long it was given.
        after: Duration,
    },
    /// The server stopped sending the body.
    #[error("{lane}: no more of the body within {after:?}")]
    IdleTimeout {
        /// Which lane.
        lane: LaneKey,
        /// How long it was given.
        after: Duration,
    },
    /// The connection failed, before or after the head.
    #[error("{lane}: {error}")]
    Transport {
        /// Which lane.
        lane: LaneKey,
        /// What went wrong.
        #[source]
        error: TransportError,
    },
    /// The task could not build its request.
    #[error("{lane}: the request could not be built: {cause}")]
    Build {
        /// Which lane.
        lane: LaneKey,
        /// What the task said.
        cause: Cause,
    },
    /// The task built no request.
    #[error("{lane}: the task has no request")]
    NoRequest {
        /// Which lane.
        lane: LaneKey,
    },
    /// Code that was handed in panicked.
    #[error("{lane}: panic in {stage}: {message}")]
    Panicked {
        /// Which lane.
        lane: LaneKey,
        /// Whose code it was.
        stage: Stage,
        /// What it said.
        message: String,
    },
    /// The caller that waited for it went away.
    #[error("cancelled")]
    Cancelled,
    /// The pool was closed and could not wait for it.
    #[error("aborted: the pool was closed")]
    Aborted,
}

impl DispatchError {
    /// When it makes sense to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { .. } | Self::Waited { .. } | Self::Evicted { .. } | Self::Abandoned { .. } => {
                Some(Duration::from_secs(1))
            }
            Self::BreakerOpen { retry_after, .. } => *retry_after,
            Self::Rate { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether the request was never sent: the server knows nothing of it and is not to blame.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Full { .. }
                | Self::Closed
                | Self::Expired { .. }
                | Self::Filtered { .. }
                | Self::BreakerOpen { .. }
                | Self::Rate { .. }
                | Self::Waited { .. }
        )
    }

    /// One word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Full { .. } => "full",
            Self::Closed => "closed",
            Self::Expired { .. } => "expired",
            Self::Filtered { .. } => "filtered",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::Rate { .. } => "rate",
            Self::Waited { .. } => "waited",
            Self::Abandoned { .. } => "abandoned",
            Self::Evicted { .. } => "evicted",
            Self::Deadline { .. } => "deadline",
            Self::AttemptTimeout { .. } => "attempt_timeout",
            Self::IdleTimeout { .. } => "idle_timeout",
            Self::Transport { .. } => "transport",
            Self::Build { .. } | Self::NoRequest { .. } => "build",
            Self::Panicked { .. } => "panic",
            Self::Cancelled => "cancelled",
            Self::Aborted => "aborted",
        }
    }
}

fn full(bound: Bound, limit: usize) -> String {
    match bound {
        Bound::Queue => format!("the queue is full: {limit} requests wait already"),
        Bound::Tasks => format!("the pool is full: it has {limit} requests already"),
        Bound::Share => {
            format!("too many of the {limit} requests that the pool may have are for the same modules")
        }
        Bound::Lanes => format!("no lane is free: all {limit} are in use"),
    }
}

fn open(retry_after: Option<Duration>, cause: Option<&str>) -> String {
    let until = match retry_after {
        Some(after) => format!("the breaker is open for another {:.1}s", after.as_secs_f64()),
        None => "an operator opened the breaker".to_owned(),
    };
    cause.map_or_else(
        || until.clone(),
        |cause| format!("{until}; last failure: {cause}"),
    )
}

fn rate(throttled: bool, retry_after: Duration) -> String {
    let why = if throttled {
        "the server asked for a pause"
    } else {
        "the rate limit is reached"
    };
    format!("{why}: free in {:.1}s", retry_after.as_secs_f64())
}
