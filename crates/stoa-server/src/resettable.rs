//! Connections that are reset when what they carry is not whole.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Whether a connection carries a body that only the end of the connection delimits, and that is not whole yet: to a
/// client of HTTP/1.0, a body without a length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished(Arc<AtomicBool>);

/// A TCP connection. Dropped while it carries an unfinished body, it is reset: a close would look like the end of it.
#[derive(Debug)]
pub(crate) struct ResettableTcp {
    stream: TcpStream,
    unfinished: Unfinished,
}

impl Unfinished {
    pub(crate) fn set(&self, is_unfinished: bool) {
        self.0.store(is_unfinished, Ordering::Release);
    }
}

impl ResettableTcp {
    pub(crate) fn new(stream: TcpStream, unfinished: Unfinished) -> Self {
        Self { stream, unfinished }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Drop for ResettableTcp {
    fn drop(&mut self) {
        if self.unfinished.0.load(Ordering::Acquire) {
            let _closed_already = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ResettableTcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

#[deny(clippy::missing_trait_methods)]
impl AsyncWrite for ResettableTcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
