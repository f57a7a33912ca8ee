//! Answers to HTTP/2 requests.

use std::{future::poll_fn, pin::pin, sync::Arc};

use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use http::{
    HeaderName, HeaderValue, Response,
    header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING, UPGRADE},
};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    body::Body,
    outlet::{Outlet, placed},
    read_ahead::{ReadAhead, SMALL_PIECE},
};

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
    outlet: Outlet,
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
    outlet: &Outlet,
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
            outlet.activity.has_moved();
            return None;
        }
    }
    Some(Sending {
        stream,
        body,
        outlet: outlet.clone(),
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
            let place = self.place().await?;
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                _gone = poll_fn(|cx| self.stream.poll_reset(cx)) => return Err(Stop::Gone),
            };
            match frame {
                None => return self.put(Bytes::new(), true),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if self.send(data, place).await? {
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

    /// Waits until a piece may be read. Nothing is read for a client who takes nothing; and of a file, without room in memory,
    /// no more than his windows allow, by one answer of the connection after the other.
    ///
    /// What h2 reserves for an answer is taken from all others of the connection, so that nothing is reserved while it waits
    /// for its source or for others; and none of the waits is for something that another answer would have to do first.
    async fn place(&mut self) -> Result<Option<OwnedSemaphorePermit>, Stop> {
        let Some(ahead) = self.body.ahead().cloned() else {
            // A body whose end is not known may be at its end, and the client may have no window left for it.
            if self.body.size_hint().exact().is_some_and(|left| left > 0) {
                self.room(1).await?;
            }
            return Ok(None);
        };
        loop {
            self.stream.reserve_capacity(0);
            let has_more = tokio::select! {
                has_more = poll_fn(|cx| self.body.poll_ready(cx)) => has_more,
                _gone = poll_fn(|cx| self.stream.poll_reset(cx)) => return Err(Stop::Gone),
            };
            if !has_more {
                return Ok(None);
            }
            self.room(1).await?;
            if ahead.has_room(SMALL_PIECE) {
                self.body.at_most(u64::MAX);
                return Ok(None);
            }
            self.stream.reserve_capacity(0);
            let Some(place) = self.last_place(&ahead).await? else {
                continue;
            };
            self.stream
                .reserve_capacity(usize::try_from(SMALL_PIECE).unwrap_or(usize::MAX));
            let room = self.stream.capacity();
            self.stream.reserve_capacity(room);
            // The window may have gone meanwhile, to others or by the client's will.
            if room > 0 {
                self.body.at_most(room as u64);
                return Ok(Some(place));
            }
        }
    }

    /// Waits for the last place of the connection; `None` when there is room again.
    async fn last_place(&mut self, ahead: &ReadAhead) -> Result<Option<OwnedSemaphorePermit>, Stop> {
        let outlet = self.outlet.clone();
        let mut place = pin!(Arc::clone(&outlet.last_place).acquire_owned());
        loop {
            tokio::select! {
                // It is never closed.
                place = place.as_mut() => return place.map(Some).map_err(|_| Stop::Gone),
                () = ahead.freed() => return Ok(None),
                _gone = poll_fn(|cx| self.stream.poll_reset(cx)) => return Err(Stop::Gone),
                () = sleep(outlet.within) => if outlet.activity.still_for() >= outlet.within {
                    return Err(Stop::Connection);
                }
            }
        }
    }

    /// Sends a piece; whether it was the last one.
    async fn send(
        &mut self,
        mut piece: Bytes,
        mut place: Option<OwnedSemaphorePermit>,
    ) -> Result<bool, Stop> {
        let is_last = self.body.is_end_stream();
        let mut left_over = None;
        while !piece.is_empty() {
            self.stream.reserve_capacity(piece.len());
            if place.is_some() && self.stream.capacity() == 0 {
                // Others must not wait for this window.
                left_over = Some(
                    self.outlet
                        .left_over
                        .clone()
                        .try_acquire_owned()
                        .map_err(|_| Stop::Stream)?,
                );
                place = None;
            }
            let room = self.room(piece.len()).await?;
            let mut now = piece.split_to(room.min(piece.len()));
            if let Some(place) = place.take() {
                now = placed(now, place);
            }
            self.put(now, is_last && piece.is_empty())?;
        }
        drop(left_over);
        Ok(is_last)
    }

    fn put(&mut self, data: Bytes, is_last: bool) -> Result<(), Stop> {
        self.stream.send_data(data, is_last).map_err(|_| Stop::Gone)?;
        self.outlet.activity.has_moved();
        Ok(())
    }

    /// Waits until something can be sent: how many bytes of those that are `wanted`, or more.
    async fn room(&mut self, wanted: usize) -> Result<usize, Stop> {
        self.stream.reserve_capacity(wanted);
        let mut room = self.stream.capacity();
        let (started, within) = (Instant::now(), self.outlet.within);
        while room == 0 {
            let deadline = Instant::now() + within;
            match timeout_at(deadline, poll_fn(|cx| self.stream.poll_capacity(cx))).await {
                Ok(Some(Ok(more))) => room = more,
                Ok(None | Some(Err(_))) => return Err(Stop::Gone),
                Err(_) if self.outlet.activity.still_for() >= within => return Err(Stop::Connection),
                Err(_) if started.elapsed() >= ONE_STREAM * within => return Err(Stop::Stream),
                Err(_) => {}
            }
        }
        Ok(room)
    }
}
