//! Answers to HTTP/2 requests.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use http::{
    HeaderName, HeaderValue, Response,
    header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING, UPGRADE},
};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::{activity::Activity, body::Body};

/// Headers of connections, which HTTP/2 has no place for.
const OF_CONNECTIONS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// How much longer one stream may stand still while others of its connection move.
const ONE_STREAM: u32 = 10;

/// A body on its way to a client. It is never given more than the windows of the client allow, so that what the client
/// does not take stays here, where it is seen.
pub(crate) struct Sending {
    stream: SendStream<Bytes>,
    body: Body,
    activity: Arc<Activity>,
    within: Duration,
}

/// How the sending of a body has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was sent, or its stream was given up by either side.
    Over,
    /// The client has taken nothing for too long, on any stream.
    Stalled,
}

/// Why a body is not sent to its end.
enum Stop {
    /// The stream is gone.
    Gone,
    /// The client takes nothing on this stream.
    Stream,
    /// The client takes nothing on any stream.
    Connection,
}

/// Begins an answer. What its body needs beside is returned; a body in memory that fits into the windows needs nothing.
pub(crate) fn reply(
    respond: &mut SendResponse<Bytes>,
    response: Response<Body>,
    date: HeaderValue,
    (activity, within): (&Arc<Activity>, Duration),
) -> Option<Sending> {
    let (mut head, mut body) = response.into_parts();
    for name in OF_CONNECTIONS {
        head.headers.remove(name);
    }
    head.headers.entry(DATE).or_insert(date);
    let is_empty = body.is_end_stream();
    if !is_empty && let Some(len) = body.size_hint().exact() {
        let len = HeaderValue::from(len);
        head.headers.entry(CONTENT_LENGTH).or_insert(len);
    }
    let mut stream = match respond.send_response(Response::from_parts(head, ()), is_empty) {
        Ok(stream) if !is_empty => stream,
        Ok(_) => return None,
        Err(error) => {
            tracing::debug!(%error, "an answer could not be begun");
            respond.send_reset(Reason::INTERNAL_ERROR);
            return None;
        }
    };
    if let Some(len) = body.in_memory().and_then(|len| usize::try_from(len).ok()) {
        stream.reserve_capacity(len);
        if stream.capacity() >= len {
            let _gone = stream.send_data(body.take_memory(), true);
            activity.has_moved();
            return None;
        }
    }
    Some(Sending {
        stream,
        body,
        activity: Arc::clone(activity),
        within,
    })
}

impl Sending {
    /// Sends the body, as fast as the client takes it.
    pub(crate) async fn run(mut self) -> Sent {
        let reason = match self.send_all().await {
            Ok(()) | Err(Stop::Gone) => return Sent::Over,
            Err(stop) => stop,
        };
        tracing::debug!("a client takes nothing of an answer; it is given up");
        self.stream.send_reset(Reason::CANCEL);
        match reason {
            Stop::Connection => Sent::Stalled,
            Stop::Stream | Stop::Gone => Sent::Over,
        }
    }

    async fn send_all(&mut self) -> Result<(), Stop> {
        loop {
            // Nothing is read of a file for a client who takes nothing. A body whose end is not known may be at its end,
            // and the client may have no window left for it.
            if self.body.size_hint().exact().is_some_and(|left| left > 0) {
                self.room(1).await?;
            }
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                _gone = poll_fn(|cx| self.stream.poll_reset(cx)) => return Err(Stop::Gone),
            };
            match frame {
                None => return self.put(Bytes::new(), true),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if self.send(data).await? {
                            return Ok(());
                        }
                    }
                    Err(frame) => {
                        let trailers = frame.into_trailers().unwrap_or_default();
                        return self.stream.send_trailers(trailers).map_err(|_| Stop::Gone);
                    }
                },
                Some(Err(_)) => {
                    // The access line says why.
                    self.stream.send_reset(Reason::INTERNAL_ERROR);
                    return Err(Stop::Gone);
                }
            }
        }
    }

    /// Sends a piece; whether it was the last one.
    async fn send(&mut self, mut piece: Bytes) -> Result<bool, Stop> {
        let is_last = self.body.is_end_stream();
        while !piece.is_empty() {
            let room = self.room(piece.len()).await?;
            let now = piece.split_to(room.min(piece.len()));
            self.put(now, is_last && piece.is_empty())?;
        }
        Ok(is_last)
    }

    fn put(&mut self, data: Bytes, is_last: bool) -> Result<(), Stop> {
        self.stream.send_data(data, is_last).map_err(|_| Stop::Gone)
    }

    /// Waits until something can be sent: how many bytes of those that are `wanted`, or more.
    async fn room(&mut self, wanted: usize) -> Result<usize, Stop> {
        self.stream.reserve_capacity(wanted);
        let mut room = self.stream.capacity();
        let started = Instant::now();
        while room == 0 {
            let deadline = Instant::now() + self.within;
            match timeout_at(deadline, poll_fn(|cx| self.stream.poll_capacity(cx))).await {
                Ok(Some(Ok(more))) => room = more,
                Ok(None | Some(Err(_))) => return Err(Stop::Gone),
                Err(_) if self.activity.still_for() >= self.within => return Err(Stop::Connection),
                Err(_) if started.elapsed() >= ONE_STREAM * self.within => return Err(Stop::Stream),
                Err(_) => {}
            }
        }
        self.activity.has_moved();
        Ok(room)
    }
}
