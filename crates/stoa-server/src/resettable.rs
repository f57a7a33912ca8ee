//! Connections that are reset when what they carry is not whole.

use std::{
    io,
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

use crate::forward::forward;

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
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

#[deny(clippy::missing_trait_methods)]
impl AsyncWrite for ResettableTcp {
    forward!(write, write_vectored, flush, shutdown);
}
