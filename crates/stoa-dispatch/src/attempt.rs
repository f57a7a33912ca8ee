//! One attempt, to the head of its response.

use tokio::time::{Instant, timeout_at};

use crate::{
    Attempted, BreakerVerdict, Classified, DispatchError, EventKind, RawBody, Request, Stage, Throttled,
    TransportError, TransportErrorKind,
    deadline::after,
    guard::{guarded, guarded_call},
    lane::Lane,
    ticket::Ticket,
};

/// One attempt and what follows from it.
pub(crate) struct Attempt {
    pub(crate) outcome: Result<http::Response<RawBody>, DispatchError>,
    pub(crate) classified: Classified,
    /// A failure that has nothing to do with what was asked for: the server was not reached.
    pub(crate) of_server: bool,
}

/// Makes the attempt with this number, from 1: sends `request`, waits for the head of its response, and classifies it.
pub(crate) async fn attempt(
    ticket: &Ticket,
    number: u32,
    request: Box<Request>,
) -> Result<Attempt, DispatchError> {
    let lane = &ticket.lane;
    let began = Instant::now();
    let latest = ticket.deadline().min(after(began, ticket.settings.attempt));
    lane.counters.attempts.one();
    ticket.journal.attempt(number, &request);
    // The transport may panic before it has returned a future, too.
    let sending = guarded(&lane.key, Stage::Attempt, async {
        lane.transport.send(*request).await
    });
    let sent = match timeout_at(latest, sending).await {
        Ok(sent) => Some(sent?),
        Err(_) => None,
    };
    if matches!(sent, Some(Ok(_))) {
        lane.has_answered();
    }
    let attempted = match &sent {
        Some(Ok(response)) => Attempted::Response {
            status: response.status(),
            headers: response.headers(),
        },
        Some(Err(error)) => Attempted::Failed(error),
        None => Attempted::TimedOut(latest - began),
    };
    let hurried = sent.is_none() && latest >= ticket.deadline() && ticket.has_own_deadline();
    let classified = if hurried {
        Classified {
            verdict: BreakerVerdict::Ignored,
            retriable: false,
            throttle: None,
            dropped: false,
        }
    } else {
        let classified = classify(ticket, attempted)?;
        lane.sample(began, classified.dropped);
        classified
    };
    let of_server = matches!(&sent, Some(Err(error)) if is_unreached(error));
    let mut outcome = match sent {
        Some(Ok(response)) => Ok(response),
        Some(Err(error)) => Err(failed(lane, error)),
        None if latest >= ticket.deadline() => Err(ticket.late(Stage::Attempt)),
        None => Err(DispatchError::AttemptTimeout {
            lane: lane.key.clone(),
            after: ticket.settings.attempt,
        }),
    };
    match &outcome {
        Ok(response) => ticket.journal.response(number, response.status(), began),
        Err(error) => ticket.journal.no_response(number, error, began),
    }
    if let Some(throttle) = classified.throttle {
        let pause = throttle.min(ticket.settings.max_throttle);
        let now = Instant::now();
        lane.bucket.throttle(after(now, pause), after(now, throttle));
        lane.counters.throttles.one();
        ticket.emit(|| EventKind::Throttle { pause });
        ticket.journal.throttled(pause);
        if let Ok(response) = &mut outcome {
            response.extensions_mut().insert(Throttled { pause });
        }
    } else if outcome.is_ok() && classified.verdict == BreakerVerdict::Success {
        lane.bucket.relent();
    }
    Ok(Attempt {
        outcome,
        classified,
        of_server,
    })
}

fn is_unreached(error: &TransportError) -> bool {
    matches!(
        error.kind(),
        TransportErrorKind::Connect | TransportErrorKind::Tls
    )
}

fn classify(ticket: &Ticket, attempted: Attempted<'_>) -> Result<Classified, DispatchError> {
    let classify = &ticket.pool().classify;
    guarded_call(&ticket.lane.key, Stage::Attempt, || classify.classify(attempted))
}

fn failed(lane: &Lane, error: TransportError) -> DispatchError {
    DispatchError::Transport {
        lane: lane.key.clone(),
        error,
    }
}
