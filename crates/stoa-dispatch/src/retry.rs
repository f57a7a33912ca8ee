//! Whether a failed attempt is followed by another.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Request, attempt::Attempt, deadline::after, ticket::Ticket};

/// What comes after an attempt that is not delivered.
pub(crate) enum Next {
    /// The lane is throttled. The request waits the pause out and is charged nothing.
    AfterThrottle,
    /// A retry, charged to the request and to the budget of the lane.
    Retry { pause: Duration },
}

/// Decides what follows, after so many retries. `replayable` says whether the request can be sent again at all, `latest`
/// until when pauses are waited for, all of them together.
pub(crate) fn next(
    ticket: &Ticket,
    attempt: &Attempt,
    retries: u32,
    replayable: bool,
    latest: Instant,
) -> Option<Next> {
    if !attempt.classified.retriable || !replayable {
        return None;
    }
    let now = Instant::now();
    if let Some(throttle) = attempt.classified.throttle {
        let pause = throttle.min(ticket.settings.max_throttle);
        return (after(now, pause) < latest).then_some(Next::AfterThrottle);
    }
    let retry = &ticket.settings.retry;
    let longest = retry
        .backoff
        .saturating_mul(1_u32.checked_shl(retries).unwrap_or(u32::MAX));
    let pause = longest.min(retry.backoff_max).mul_f64((ticket.pool().jitter)());
    let possible = retries < retry.max && after(now, pause) < ticket.deadline();
    // The budget comes last: a request that cannot be retried must not spend it.
    (possible && ticket.lane.budget.spend()).then_some(Next::Retry { pause })
}

/// The same request once more, if its body can be sent twice.
pub(crate) fn replay(request: &Request) -> Option<Box<Request>> {
    let body = request.body().replay()?;
    let mut replay = Request::new(body);
    *replay.method_mut() = request.method().clone();
    *replay.uri_mut() = request.uri().clone();
    *replay.version_mut() = request.version();
    replay.headers_mut().clone_from(request.headers());
    replay.extensions_mut().clone_from(request.extensions());
    Some(Box::new(replay))
}
