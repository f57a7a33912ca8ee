//! The connections of one listener, from accept to drain.

use std::{io, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    connection::EdgeConnection,
    drain::DrainToken,
    edge::Edge,
    listen::{Listener, Socket},
    peer::Peer,
    resettable::{ResettableTcp, Unfinished},
    stream_executor::StreamExecutor,
    tls::Tls,
};

/// A TLS handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A request head that takes longer is given up, and an idle connection is closed after as long.
const HEAD: Duration = Duration::from_secs(90);
/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 256;
/// The pause after a failed accept (out of file descriptors, usually).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Connections served at once; others wait in the kernel's queue.
    pub connections: usize,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// How long connections may go on after a drain has begun.
    pub drain_timeout: Duration,
}

/// Serves `edge` on `listener` until `shutdown`, then lets open requests end. Streams of events are ended politely; what
/// has not ended when the drain has taken too long is cut.
///
/// HTTP/1.1 and HTTP/2 are told apart by their first bytes, so that h2c works without an upgrade. Returns how many
/// connections had to be cut because the drain took too long.
pub async fn serve(
    listener: Listener,
    edge: Edge,
    options: ServeOptions,
    shutdown: CancellationToken,
) -> usize {
    let tls = options.tls.map(|tls| tls.0);
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let permits = Arc::new(Semaphore::new(options.connections));
    let builder = builder();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (socket, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let open = edge.metrics().connection();
        let (drain, unfinished) = (DrainToken::new(shutdown.clone()), Unfinished::default());
        let connection = Connection {
            builder: builder.clone(),
            edge: edge.for_connection(peer, drain, unfinished.clone()),
            shutdown: shutdown.clone(),
            cut: cut.clone(),
        };
        let tls = tls.clone();
        connections.spawn(async move {
            match socket {
                Socket::Tcp(stream) => connection.run(ResettableTcp::new(stream, unfinished), tls).await,
                Socket::Unix(stream) => connection.run(stream, tls).await,
            }
            drop((permit, open));
        });
    }
    drop(listener);
    connections.close();
    let drained = timeout(options.drain_timeout, connections.wait()).await;
    let left = if drained.is_ok() { 0 } else { connections.len() };
    cut.cancel();
    connections.wait().await;
    left
}

type Permit = tokio::sync::OwnedSemaphorePermit;

/// Takes a permit first, so that connections over the bound stay with the kernel.
async fn accept(listener: &Listener, permits: &Arc<Semaphore>) -> io::Result<(Socket, Peer, Permit)> {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (socket, peer) = listener.accept().await?;
    Ok((socket, peer, permit))
}

fn builder() -> auto::Builder<StreamExecutor> {
    let mut builder = auto::Builder::new(StreamExecutor);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(HEAD / 3)
        .keep_alive_timeout(HANDSHAKE);
    builder
}

struct Connection {
    builder: auto::Builder<StreamExecutor>,
    edge: EdgeConnection,
    shutdown: CancellationToken,
    cut: CancellationToken,
}

impl Connection {
    async fn run<S>(self, stream: S, tls: Option<TlsAcceptor>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match tls {
            None => self.speak(stream).await,
            Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            },
        }
    }

    async fn speak<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connection = std::pin::pin!(self.builder.serve_connection(TokioIo::new(stream), self.edge));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            // Clients that go away and bodies that are cut on purpose end here; the access line says which.
            tracing::debug!(error, "connection ended with an error");
        }
    }
}
