//! Connections whose peer must go on reading.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use crate::{activity::Activity, forward::forward, resettable::Unfinished};

/// A connection on which a write that does not move for too long fails. A peer that reads slowly is never too slow.
#[derive(Debug)]
pub(crate) struct WriteDeadline<S> {
    stream: S,
    within: Duration,
    activity: Arc<Activity>,
    unfinished: Unfinished,
    /// Made for the first write that has to wait; most connections never need it.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl<S> WriteDeadline<S> {
    /// Writes must move `within` that time. A connection that failed it counts as `unfinished`, so that it is reset: what
    /// the kernel still holds for the peer goes too.
    pub(crate) fn new(
        stream: S,
        within: Duration,
        (activity, unfinished): (Arc<Activity>, Unfinished),
    ) -> Self {
        Self {
            stream,
            within,
            activity,
            unfinished,
            timer: None,
            is_waiting: false,
        }
    }

    fn watched(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if self.is_waiting {
                self.is_waiting = false;
                self.activity.set_blocked(false);
            }
            return written;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.within)));
        if !self.is_waiting {
            self.is_waiting = true;
            self.activity.set_blocked(true);
            timer.as_mut().reset(Instant::now() + self.within);
        }
        ready!(timer.as_mut().poll(cx));
        self.unfinished.set(true);
        let reason = format!("the client has read nothing for {:?}", self.within);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.watched(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.watched(cx, written)
    }

    // Sockets keep nothing that would have to be flushed.
    forward!(flush, shutdown, is_write_vectored);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_fails_the_write_and_a_slow_one_does_not() {
        let (server, mut client) = duplex(10);
        let (activity, unfinished) = (Arc::new(Activity::new()), Unfinished::default());
        let parts = (Arc::clone(&activity), unfinished);
        let mut server = WriteDeadline::new(server, WITHIN, parts);
        let slow = async {
            for _ in 0..5 {
                tokio::time::sleep(WITHIN * 59 / 60).await;
                client.read_exact(&mut [0; 10]).await.expect("ten bytes");
            }
        };
        let (written, ()) = tokio::join!(server.write_all(&[1; 60]), slow);
        written.expect("it moved each time");
        assert!(activity.is_quiet());
        let started = Instant::now();
        let error = server.write_all(b"x").await.expect_err("nobody reads");
        assert_eq!(
            (error.kind(), started.elapsed().as_secs()),
            (io::ErrorKind::TimedOut, 60)
        );
        assert!(!activity.is_quiet());
    }
}
