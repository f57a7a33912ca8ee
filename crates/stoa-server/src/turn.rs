//! The turns of connections of HTTP/2.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use h2::{
    RecvStream,
    server::{Connection, SendResponse},
};
use http::Request;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::yield_now,
};

use crate::forward::forward;

/// How many requests of one connection are answered before others have their turn.
const TURN: usize = 32;

/// A request, and where its answer goes.
pub(crate) type Accepted = (Request<RecvStream>, SendResponse<Bytes>);

/// The turns of one connection: what has arrived is answered, then others are.
///
/// h2 reads and writes each time it is asked for a request. So that a connection does not serve what arrives during its turn
/// too, while others wait, and so that not each answer is a write of its own, it is held during its turn (ADR 0023).
pub(crate) struct Turns<S> {
    pub(crate) connection: Connection<Held<S>, Bytes>,
    hold: Hold,
    /// What is answered in this turn.
    batch: Vec<Accepted>,
    had_one: bool,
}

/// Whether a connection is held: nothing is read and nothing is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hold(Arc<AtomicBool>);

/// A connection that may be held. No waker is remembered meanwhile: who ends it must read and write once more.
#[derive(Debug)]
pub(crate) struct Held<S> {
    stream: S,
    hold: Hold,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Turns<S> {
    /// The turns of a connection on which this is the hold.
    pub(crate) fn new(connection: Connection<Held<S>, Bytes>, hold: Hold) -> Self {
        Self {
            connection,
            hold,
            batch: Vec::new(),
            had_one: false,
        }
    }

    /// Sends what the turn before has answered, and waits for requests and for this connection's turn; `None` at the end of
    /// the connection. It may be dropped at any await, and loses nothing.
    ///
    /// # Errors
    /// Those of h2.
    pub(crate) async fn begin(&mut self) -> Option<Result<(), h2::Error>> {
        if self.batch.is_empty() {
            let first = poll_fn(|cx| {
                let first = self.connection.poll_accept(cx);
                self.had_one &= first.is_ready();
                first
            });
            match first.await? {
                Ok(first) => self.batch.push(first),
                Err(error) => return Some(Err(error)),
            }
        }
        if self.had_one {
            self.had_one = false;
            yield_now().await;
        }
        self.hold.set(true);
        // There is nothing to be woken for now; and h2 keeps the waker that it was asked with last, to which each answer is
        // news. One that sleeps on saves the connection a second turn for each of its turns.
        let mut cx = Context::from_waker(Waker::noop());
        while self.batch.len() < TURN {
            match self.connection.poll_accept(&mut cx) {
                Poll::Ready(Some(Ok(accepted))) => self.batch.push(accepted),
                // The end is there still when nothing is held.
                Poll::Ready(_) | Poll::Pending => break,
            }
        }
        Some(Ok(()))
    }

    /// What is answered in this turn.
    pub(crate) fn requests(&mut self) -> impl Iterator<Item = Accepted> {
        self.batch.drain(..)
    }

    /// Ends the turn; [`begin`](Self::begin) must follow.
    pub(crate) fn end(&mut self) {
        self.hold.set(false);
        self.had_one = true;
    }
}

impl Hold {
    /// The connection that is held.
    pub(crate) fn on<S>(&self, stream: S) -> Held<S> {
        Held {
            stream,
            hold: self.clone(),
        }
    }

    // The task of the connection both sets and asks it, so no order has to be kept with other memory.
    fn set(&self, is_held: bool) {
        self.0.store(is_held, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.hold.is_on() {
            return Poll::Pending;
        }
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.hold.is_on() {
            return Poll::Pending;
        }
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.hold.is_on() {
            return Poll::Pending;
        }
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, pieces)
    }

    // There is nothing to flush before something was written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.hold.is_on() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.hold.is_on() {
            return Poll::Pending;
        }
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    forward!(is_write_vectored);
}
