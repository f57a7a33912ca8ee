//! The body of a mounted part's answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body::{Body as _, Frame};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{body_error::BodyError, drain::DrainToken, event_boundary::EventBoundary};

/// How long after the beginning of a drain a stream of events may still end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Passes on what a mounted part sends, frame by frame, as the client takes it.
///
/// A stream of events (`text/event-stream`) that does not end by itself when a drain has begun is ended between two
/// events. Other bodies go on; what has not ended when the drain has taken too long is cut.
#[derive(Debug)]
pub(crate) struct MountedBody {
    inner: Body,
    events: Option<Box<Events>>,
}

#[derive(Debug)]
struct Events {
    boundary: EventBoundary,
    phase: Phase,
}

/// How far the end of a stream of events has come.
#[derive(Debug)]
enum Phase {
    /// No drain has begun.
    Open(Pin<Box<WaitForCancellationFutureOwned>>),
    /// A drain has begun; the part may end the stream.
    Grace(Pin<Box<Sleep>>),
    /// The stream ends with the next event.
    Ending,
    /// The last event has been passed on.
    Ended,
}

impl MountedBody {
    /// The body of an answer with these headers.
    pub(crate) fn new(inner: Body, headers: &HeaderMap, drain: DrainToken) -> Self {
        let events = is_event_stream(headers).then(|| {
            Box::new(Events {
                boundary: EventBoundary::new(),
                phase: Phase::Open(Box::pin(drain.into_future())),
            })
        });
        Self { inner, events }
    }

    /// The length, if the part knows it.
    pub(crate) fn len(&self) -> Option<u64> {
        self.inner.size_hint().exact()
    }

    /// Whether no frame follows.
    pub(crate) fn is_at_end(&self) -> bool {
        let has_ended = |events: &Events| matches!(events.phase, Phase::Ended);
        self.inner.is_end_stream() || self.events.as_deref().is_some_and(has_ended)
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(events) = &mut self.events
            && events.is_over(cx)
        {
            // The part's stream ends here, not when the connection does.
            self.inner = Body::empty();
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let frame = frame.map(|frame| frame.map_err(BodyError::from));
        Poll::Ready(match (&mut self.events, frame) {
            (Some(events), Some(Ok(frame))) => Some(Ok(frame.map_data(|data| events.pass(data)))),
            (_, frame) => frame,
        })
    }
}

impl Events {
    /// Whether the stream ends here.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if let Phase::Open(drain) = &mut self.phase
            && drain.as_mut().poll(cx).is_ready()
        {
            self.phase = Phase::Grace(Box::pin(sleep(GRACE)));
        }
        if let Phase::Grace(grace) = &mut self.phase
            && grace.as_mut().poll(cx).is_ready()
        {
            self.phase = Phase::Ending;
        }
        if matches!(self.phase, Phase::Ending) && self.boundary.is_at_end() {
            self.phase = Phase::Ended;
        }
        matches!(self.phase, Phase::Ended)
    }

    /// The part of `data` that is passed on.
    fn pass(&mut self, data: Bytes) -> Bytes {
        if !matches!(self.phase, Phase::Ending) {
            self.boundary.pass(&data);
            return data;
        }
        match self.boundary.pass_to_end(&data) {
            None => data,
            Some(end) => {
                self.phase = Phase::Ended;
                data.slice(..end)
            }
        }
    }
}

/// Whether a body is a stream of events whose ends can be seen.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    !headers.contains_key(CONTENT_ENCODING)
        && kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}
