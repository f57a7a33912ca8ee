//! An exchange from the head of its response to the end of its body.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{
    BreakerVerdict, DispatchError, Permit, RawBody, Stage, breaker::BreakerPermit, deadline::after,
    guard::guarded, ticket::Ticket,
};

/// Unread bytes that are read only to keep a connection. If there are more, the connection is closed.
const DRAIN_BYTES: u64 = 64 << 10;
/// The time that this may take.
const DRAIN_TIME: Duration = Duration::from_millis(250);

/// What is left of an exchange.
pub(crate) struct Exchange {
    raw: RawBody,
    held: Option<Held>,
    /// A consumer reads it, and the end of the consumer is the end of the task.
    consumed: bool,
    /// How the body ended, if the consumer has not ended yet.
    ended: Option<Ended>,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
    abort: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// What an exchange holds until its body has ended.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) ticket: Ticket,
    pub(crate) permit: Permit,
    /// `None` if the verdict was given at the head.
    pub(crate) breaker: Option<BreakerPermit>,
    pub(crate) status: StatusCode,
}

/// A task whose body has ended, but not its consumer.
struct Ended {
    ticket: Ticket,
    result: Result<Option<StatusCode>, DispatchError>,
}

impl Held {
    /// Ends the exchange: first the verdict, then the permit goes to the next. The task ends too, unless a consumer still
    /// reads it.
    fn end(mut self, result: Result<(), DispatchError>, consumed: bool) -> Option<Ended> {
        if let Some(breaker) = self.breaker.take() {
            let verdict = match &result {
                // A reader that drops a body early says nothing bad about the server.
                Ok(()) | Err(DispatchError::Cancelled) => BreakerVerdict::Success,
                Err(
                    error @ (DispatchError::IdleTimeout { .. }
                    | DispatchError::Transport { .. }
                    | DispatchError::Deadline {
                        stage: Stage::Body, ..
                    }),
                ) => BreakerVerdict::Failure(error.to_string()),
                Err(_) => BreakerVerdict::Ignored,
            };
            let jitter = (self.ticket.pool().jitter)();
            let transition = breaker.end(verdict, false, jitter);
            self.ticket.breaker(transition);
        }
        let Self {
            mut ticket,
            permit,
            status,
            ..
        } = self;
        let result = result.map(|()| Some(status));
        let ended = if consumed {
            Some(Ended { ticket, result })
        } else {
            ticket.end(result);
            None
        };
        drop(permit);
        ended
    }
}

impl Exchange {
    pub(crate) fn new(raw: RawBody, held: Held, consumed: bool) -> Self {
        let mut exchange = Self {
            raw,
            held: Some(held),
            consumed,
            ended: None,
            timer: None,
            armed: false,
            abort: None,
        };
        if exchange.raw.is_end_stream() {
            exchange.end(Ok(()));
        }
        exchange
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.held.is_none()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.raw.size_hint()
    }

    /// The body has ended.
    fn end(&mut self, result: Result<(), DispatchError>) {
        if let Some(held) = self.held.take() {
            self.ended = held.end(result, self.consumed);
        }
    }

    /// The consumer has ended as well, and so has the task. An error of the consumer goes before one of the body.
    pub(crate) fn finish(&mut self, result: Result<(), DispatchError>) {
        self.end(result.clone());
        if let Some(mut ended) = self.ended.take() {
            ended.ticket.end(result.and(ended.result));
        }
    }

    /// The next piece of the body.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DispatchError>>> {
        let Some(held) = &mut self.held else {
            return Poll::Ready(None);
        };
        let error = match over(&held.ticket) {
            Some(error) => {
                if !self.armed {
                    // The reader took the time, not the server.
                    held.breaker = None;
                }
                error
            }
            None => match Pin::new(&mut self.raw).poll_frame(cx) {
                Poll::Ready(None) => {
                    self.end(Ok(()));
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(frame))) => {
                    held.ticket.lane.hears();
                    self.armed = false;
                    if self.raw.is_end_stream() {
                        self.end(Ok(()));
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Err(error))) => DispatchError::Transport {
                    lane: held.ticket.lane.key.clone(),
                    error,
                },
                Poll::Pending => ready!(self.poll_limits(cx)),
            },
        };
        self.end(Err(error.clone()));
        // Drop the connection: nothing more may be read from it.
        self.raw = RawBody::new(http_body_util::Empty::new().map_err(|never| match never {}));
        Poll::Ready(Some(Err(error)))
    }

    /// Ready when a limit is reached. A timer is made only once a body keeps its reader waiting.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<DispatchError> {
        let Some(held) = &self.held else {
            return Poll::Pending;
        };
        let ticket = &held.ticket;
        let abort = self
            .abort
            .get_or_insert_with(|| Box::pin(ticket.lane.abort.clone().cancelled_owned()));
        if abort.as_mut().poll(cx).is_ready() {
            return Poll::Ready(ticket.lane.eviction().unwrap_or(DispatchError::Aborted));
        }
        let deadline = ticket.deadline();
        if !self.armed {
            let until = deadline.min(after(Instant::now(), ticket.settings.idle));
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(until),
                None => self.timer = Some(Box::pin(sleep_until(until))),
            }
            self.armed = true;
        }
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(if timer.deadline() >= deadline {
            ticket.late(Stage::Body)
        } else {
            DispatchError::IdleTimeout {
                lane: ticket.lane.key.clone(),
                after: ticket.settings.idle,
            }
        })
    }

    /// Reads what is left, within bounds, and ends the body.
    pub(crate) async fn clean_up(&mut self) {
        let Some(held) = &self.held else { return };
        let lane = Arc::clone(&held.ticket.lane);
        let drained = guarded(&lane.key, Stage::Body, drain(&mut self.raw)).await;
        let drained = drained.map(|drained| lane.counters.drained.add(drained));
        self.end(drained);
    }
}

/// Why nothing more is read, even of a body that never keeps its reader waiting.
fn over(ticket: &Ticket) -> Option<DispatchError> {
    if ticket.pool().abort.is_given() {
        return Some(DispatchError::Aborted);
    }
    if let Some(evicted) = ticket.lane.eviction() {
        return Some(evicted);
    }
    (Instant::now() >= ticket.deadline()).then(|| ticket.late(Stage::Body))
}

/// Reads and throws away, within bounds. What goes beyond them costs the connection. Returns the bytes read.
pub(crate) async fn drain(raw: &mut RawBody) -> u64 {
    let until = Instant::now() + DRAIN_TIME;
    let (mut read, mut spent) = (0, 0);
    while spent <= DRAIN_BYTES {
        let Ok(Some(Ok(frame))) = timeout_at(until, raw.frame()).await else {
            break;
        };
        let bytes = u64::try_from(frame.data_ref().map_or(0, Bytes::len)).unwrap_or(u64::MAX);
        read += bytes;
        // Count empty pieces too, so that a server that sends them without an end cannot hold the permit.
        spent += bytes.max(1);
    }
    read
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Err(DispatchError::Cancelled));
        self.finish(Ok(()));
    }
}
