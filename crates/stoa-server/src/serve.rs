//! The connections of one listener, from accept to drain.

use std::{io, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    activity::Activity,
    connection::{ConnectionState, EdgeConnection},
    drain::DrainToken,
    edge::Edge,
    greeting::{Spoken, greeting},
    hosts::{AnsweredHosts, AskedHosts, HostPattern},
    http2::{Http2Options, serve_http2},
    listen::{Listener, Socket},
    network::Network,
    peer::Peer,
    resettable::{ResettableTcp, Unfinished},
    shares::Shares,
    tls::Tls,
    write_deadline::WriteDeadline,
};

/// The largest head of a request, in bytes.
const HEAD: u32 = 64 << 10;
/// The pause after a failed accept (out of file descriptors, usually).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// After the beginning of a drain, how long what has been begun and is no request yet may take to become one.
const GRACE: Duration = Duration::from_millis(500);

/// How connections are served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Connections served at once; others wait in the kernel's queue.
    pub connections: usize,
    /// Connections of one client address at once; more are closed.
    pub connections_per_address: usize,
    /// Networks whose connections are not counted so: reverse proxies, which bring many clients.
    pub trusted_proxies: Vec<Network>,
    /// Host names that are answered; without any, all, but on a loopback address only loopback names.
    pub allowed_hosts: Vec<HostPattern>,
    /// How connections are bounded.
    pub limits: ConnectionLimits,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// How long connections may go on after a drain has begun.
    pub drain_timeout: Duration,
}

/// What one connection may do, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// For the TLS handshake and the first bytes, by which HTTP/1.1 and HTTP/2 are told apart.
    pub handshake_timeout: Duration,
    /// How long a connection without a request stays open. A head of HTTP/1.1 may take as long.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of an answer that is sent to it.
    pub write_timeout: Duration,
    /// Streams that an HTTP/2 connection may have open at once.
    pub streams: u32,
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
    let shares = Shares::new(options.connections_per_address, options.trusted_proxies);
    let shares = Arc::new(shares);
    let hosts = AnsweredHosts::new(options.allowed_hosts, listener.is_loopback());
    let hosts = Arc::new(hosts);
    let limits = options.limits;
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (socket, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if is_of_one_connection(&error) {
                    continue;
                }
                tracing::warn!(%error, "accepting a connection failed");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = shares.place(peer) else {
            edge.metrics().connection_refused();
            tracing::debug!(%peer, "the address has its share of connections already");
            continue;
        };
        let open = (permit, place, edge.metrics().connection());
        let (unfinished, activity) = (Unfinished::default(), Arc::new(Activity::new()));
        let state = ConnectionState {
            drain: DrainToken::new(shutdown.clone()),
            hosts: AskedHosts::new(Arc::clone(&hosts)),
            unfinished: unfinished.clone(),
            activity: Arc::clone(&activity),
        };
        let connection = Connection {
            edge: edge.for_connection(peer, state),
            limits,
            begun: Instant::now(),
            unfinished: unfinished.clone(),
            activity,
            shutdown: shutdown.clone(),
            cut: cut.clone(),
        };
        let tls = tls.clone();
        connections.spawn(async move {
            match socket {
                Socket::Tcp(stream) => connection.run(ResettableTcp::new(stream, unfinished), tls).await,
                Socket::Unix(stream) => connection.run(stream, tls).await,
            }
            drop(open);
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

/// Whether only this connection was lost: its client has gone again.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// One connection, from its first byte.
struct Connection {
    edge: EdgeConnection,
    limits: ConnectionLimits,
    begun: Instant,
    unfinished: Unfinished,
    activity: Arc<Activity>,
    shutdown: CancellationToken,
    cut: CancellationToken,
}

impl Connection {
    async fn run<S>(self, stream: S, tls: Option<TlsAcceptor>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let told = (Arc::clone(&self.activity), self.unfinished.clone());
        let stream = WriteDeadline::new(stream, self.limits.write_timeout, told);
        match tls {
            None => self.greet(stream).await,
            Some(tls) => {
                if let Some(stream) = self.begin("TLS handshake", tls.accept(stream)).await {
                    self.greet(stream).await;
                }
            }
        }
    }

    /// What comes before the first request, unless it takes too long.
    async fn begin<T>(&self, what: &str, step: impl Future<Output = io::Result<T>>) -> Option<T> {
        let deadline = self.begun + self.limits.handshake_timeout;
        let draining = async {
            self.shutdown.cancelled().await;
            sleep(GRACE).await;
        };
        tokio::select! {
            done = timeout_at(deadline, step) => match done {
                Ok(Ok(done)) => Some(done),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "{what} failed");
                    None
                }
                Err(_) => {
                    tracing::debug!("{what} took too long");
                    None
                }
            },
            () = draining => None,
        }
    }

    async fn greet<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some((spoken, stream)) = self.begin("the first bytes", greeting(stream)).await else {
            return;
        };
        match spoken {
            Spoken::Http1 => self.http1(stream).await,
            Spoken::Http2 => {
                let options = Http2Options {
                    streams: self.limits.streams,
                    head: HEAD,
                    idle: self.limits.idle_timeout,
                    write: self.limits.write_timeout,
                    grace: GRACE,
                };
                let ends = (self.shutdown, self.cut);
                let ended = serve_http2(stream, (self.edge, self.activity), options, ends).await;
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended with an error");
                }
            }
        }
    }

    async fn http1<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle_timeout)
            .max_buf_size(HEAD as usize);
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), self.edge));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                // A head that does not go on is nobody's request.
                let is_left = async {
                    loop {
                        sleep(GRACE).await;
                        if self.activity.is_quiet() {
                            break;
                        }
                    }
                };
                tokio::select! {
                    ended = connection => ended,
                    () = is_left => return,
                    () = self.cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            // Clients that go away and bodies that are cut on purpose end here; the access line says which.
            tracing::debug!(%error, "connection ended with an error");
        }
    }
}
