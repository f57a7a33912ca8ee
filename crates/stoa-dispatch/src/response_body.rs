//! The body of a response, with the turn that it still holds.

use std::{
    fmt,
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
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{
    DispatchError, RawBody, Stage, Verdict, breaker::BreakerPermit, limiter::Permit, run::guarded,
    shared::after, ticket::Ticket,
};

/// Unread bytes that are read only to keep a connection; with more, the connection goes.
const DRAIN_BYTES: u64 = 64 << 10;
/// The time that this may take.
const DRAIN_TIME: Duration = Duration::from_millis(250);

/// A response.
pub type Response = http::Response<ResponseBody>;

/// The body of a response, read as it arrives.
///
/// Until it has ended it holds its turn in the lane. It ends with an error when the server pauses for longer than the
/// lane allows, when the task's deadline passes and when the pool is closed; all of that is looked at when it is read, so
/// who keeps it unread keeps its turn. Dropping it early closes the connection: use [`ResponseBody::drain`] to keep it.
pub struct ResponseBody {
    /// On the heap, for responses are handed around.
    inner: Option<Box<Inner>>,
    /// Where what is left goes when this is dropped, so that the pool can clean up after a consumer.
    back: Option<Arc<Mutex<Option<Box<Inner>>>>>,
}

/// What is left of an exchange.
pub(crate) struct Inner {
    raw: RawBody,
    hold: Option<Hold>,
    /// Somebody consumes it whose end is the end of the task.
    consumed: bool,
    /// How the body ended, where the consumer has not yet.
    ended: Option<Ended>,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
    abort: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// What an exchange holds until its body has ended.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) ticket: Ticket,
    pub(crate) permit: Permit,
    /// Not there if the verdict has been given at the head.
    pub(crate) breaker: Option<BreakerPermit>,
    pub(crate) status: StatusCode,
}

/// A task whose body has ended, but not its consumer.
struct Ended {
    ticket: Ticket,
    result: Result<Option<StatusCode>, DispatchError>,
}

impl Hold {
    /// The end of the exchange: verdict, then the turn goes to the next. The task ends too, unless it is still `consumed`.
    fn end(mut self, result: Result<(), DispatchError>, consumed: bool) -> Option<Ended> {
        if let Some(breaker) = self.breaker.take() {
            let verdict = match &result {
                // Whoever drops a body early has nothing against the server.
                Ok(()) | Err(DispatchError::Cancelled) => Verdict::Success,
                Err(
                    error @ (DispatchError::IdleTimeout { .. }
                    | DispatchError::Transport { .. }
                    | DispatchError::Deadline {
                        stage: Stage::Body, ..
                    }),
                ) => Verdict::Failure(error.to_string()),
                Err(_) => Verdict::Ignored,
            };
            let jitter = (self.ticket.shared().jitter)();
            let transition = breaker.end(verdict, jitter);
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

impl Inner {
    pub(crate) fn new(raw: RawBody, hold: Hold, consumed: bool) -> Self {
        let mut inner = Self {
            raw,
            hold: Some(hold),
            consumed,
            ended: None,
            timer: None,
            armed: false,
            abort: None,
        };
        if inner.raw.is_end_stream() {
            inner.end(Ok(()));
        }
        inner
    }

    /// The body has ended.
    fn end(&mut self, result: Result<(), DispatchError>) {
        if let Some(hold) = self.hold.take() {
            self.ended = hold.end(result, self.consumed);
        }
    }

    /// The consumer has ended as well, and so has the task. What went wrong with the consumer is told first.
    pub(crate) fn finish(&mut self, result: Result<(), DispatchError>) {
        self.end(result.clone());
        if let Some(mut ended) = self.ended.take() {
            ended.ticket.end(result.and(ended.result));
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DispatchError>>> {
        let Some(hold) = &mut self.hold else {
            return Poll::Ready(None);
        };
        let error = match over(&hold.ticket) {
            Some(error) => {
                if !self.armed {
                    // The reader took the time, not the server.
                    hold.breaker = None;
                }
                error
            }
            None => match Pin::new(&mut self.raw).poll_frame(cx) {
                Poll::Ready(None) => {
                    self.end(Ok(()));
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(frame))) => {
                    self.armed = false;
                    if self.raw.is_end_stream() {
                        self.end(Ok(()));
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Err(error))) => DispatchError::Transport {
                    lane: hold.ticket.lane.key.clone(),
                    error,
                },
                Poll::Pending => ready!(self.poll_limits(cx)),
            },
        };
        self.end(Err(error.clone()));
        // Nothing more may come, and the connection is of no use.
        self.raw = RawBody::new(http_body_util::Empty::new().map_err(|never| match never {}));
        Poll::Ready(Some(Err(error)))
    }

    /// Ready when a limit is reached. Timers are made only once a body keeps somebody waiting.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<DispatchError> {
        let Some(hold) = &self.hold else {
            return Poll::Pending;
        };
        let ticket = &hold.ticket;
        let abort = self
            .abort
            .get_or_insert_with(|| Box::pin(ticket.shared().abort.token().clone().cancelled_owned()));
        if abort.as_mut().poll(cx).is_ready() {
            return Poll::Ready(DispatchError::Aborted);
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
        let Some(hold) = &self.hold else { return };
        let lane = Arc::clone(&hold.ticket.lane);
        let drained = guarded(&lane, Stage::Body, drain(&mut self.raw)).await;
        let drained = drained.map(|drained| lane.counters.drained.add(drained));
        self.end(drained);
    }
}

/// Why nothing more is read, even of a body that never keeps its reader waiting.
fn over(ticket: &Ticket) -> Option<DispatchError> {
    if ticket.shared().abort.is_given() {
        return Some(DispatchError::Aborted);
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
        // Empty pieces without an end are no way to keep a turn.
        spent += bytes.max(1);
    }
    read
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end(Err(DispatchError::Cancelled));
        self.finish(Ok(()));
    }
}

impl ResponseBody {
    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Some(Box::new(inner)),
            back: None,
        }
    }

    /// What is left comes to the returned place when the body is dropped.
    pub(crate) fn give_back(&mut self) -> Arc<Mutex<Option<Box<Inner>>>> {
        let place = Arc::new(Mutex::new(None));
        self.back = Some(Arc::clone(&place));
        place
    }

    /// The next piece, never empty; `None` after the last one, and after an error.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, DispatchError>> {
        loop {
            match self.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some(Ok(data)),
                    _ => {}
                },
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Everything, if it is at most `limit` bytes; `None` if it is more, and the connection is closed.
    ///
    /// # Errors
    /// When the body breaks off.
    pub async fn bytes(mut self, limit: usize) -> Result<Option<Bytes>, DispatchError> {
        let Some(first) = self.chunk().await.transpose()? else {
            return Ok(Some(Bytes::new()));
        };
        if first.len() > limit {
            return Ok(None);
        }
        let Some(second) = self.chunk().await.transpose()? else {
            return Ok(Some(first));
        };
        let mut all = Vec::from(first);
        let mut next = Some(second);
        while let Some(piece) = next {
            if all.len() + piece.len() > limit {
                return Ok(None);
            }
            all.extend_from_slice(&piece);
            next = self.chunk().await.transpose()?;
        }
        Ok(Some(all.into()))
    }

    /// Reads what is left and throws it away, to keep the connection: at most 64 KiB in at most 250 ms. With more, the
    /// connection is closed instead.
    pub async fn drain(mut self) {
        if let Some(inner) = &mut self.inner {
            inner.clean_up().await;
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = DispatchError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DispatchError>>> {
        match &mut self.inner {
            Some(inner) => inner.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| inner.hold.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |inner| inner.raw.size_hint())
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(place) = self.back.take() {
            *place.lock() = self.inner.take();
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = !self.is_end_stream();
        f.debug_struct("ResponseBody")
            .field("open", &open)
            .finish_non_exhaustive()
    }
}
