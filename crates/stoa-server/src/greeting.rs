//! The first bytes of a connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::forward::forward;

/// What a client of HTTP/2 begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The version of HTTP that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// A connection of which the first bytes have been looked at; they are read again.
#[derive(Debug)]
pub(crate) struct Greeted<S> {
    first: [u8; PREFACE.len()],
    at: usize,
    end: usize,
    stream: S,
}

/// Reads until it is plain which version the client speaks.
///
/// # Errors
/// When the connection ends before.
pub(crate) async fn greeting<S: AsyncRead + Unpin>(stream: S) -> io::Result<(Spoken, Greeted<S>)> {
    let mut greeted = Greeted {
        first: [0; PREFACE.len()],
        at: 0,
        end: 0,
        stream,
    };
    loop {
        let read = greeted.stream.read(&mut greeted.first[greeted.end..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        greeted.end += read;
        if !PREFACE.starts_with(&greeted.first[..greeted.end]) {
            return Ok((Spoken::Http1, greeted));
        }
        if greeted.end == PREFACE.len() {
            return Ok((Spoken::Http2, greeted));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.at == this.end {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let len = buffer.remaining().min(this.end - this.at);
        buffer.put_slice(&this.first[this.at..this.at + len]);
        this.at += len;
        Poll::Ready(Ok(()))
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    forward!(write, write_vectored, flush, shutdown);
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn the_version_is_known_as_soon_as_it_can_be_and_nothing_is_lost() {
        for (sent, want) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], Spoken::Http1),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nframes", Spoken::Http2),
            (b"PRI * HTTP/1.1\r\n\r\n", Spoken::Http1),
            (b"P\n", Spoken::Http1),
        ] {
            for cut in 1..sent.len() {
                let (mut client, server) = tokio::io::duplex(100);
                let (spoken, rest) = tokio::join!(greeting(server), async {
                    client.write_all(&sent[..cut]).await.expect("room");
                    tokio::task::yield_now().await;
                    client.write_all(&sent[cut..]).await.expect("room");
                    drop(client);
                });
                let ((spoken, mut greeted), ()) = (spoken.expect("a version"), rest);
                let mut read = Vec::new();
                greeted.read_to_end(&mut read).await.expect("bytes");
                assert_eq!((spoken, &*read), (want, sent), "cut at {cut}");
            }
        }
    }

    #[tokio::test]
    async fn half_a_preface_is_no_version() {
        let (mut client, server) = tokio::io::duplex(100);
        client.write_all(&PREFACE[..10]).await.expect("room");
        drop(client);
        assert!(greeting(server).await.is_err());
    }
}
