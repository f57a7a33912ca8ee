//! Connections of HTTP/2.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use h2::{
    Ping, PingPong, Reason,
    server::{Builder, SendResponse},
};
use http::{HeaderValue, Request};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    activity::Activity,
    connection::{EdgeConnection, EdgeFuture},
    http2_body::RequestBody,
    http2_reply::{Sent, reply},
    outlet::Outlet,
    turn::{Hold, Turns},
};

/// What one stream may have in the connection's buffer, in bytes: enough to keep a fast network busy.
const SEND_BUFFER: usize = 256 << 10;

/// How connections of HTTP/2 are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http2Options {
    /// Streams that a client may have open at once.
    pub(crate) streams: u32,
    /// The largest head of a request, in bytes.
    pub(crate) head: u32,
    /// How long a connection without a request stays open.
    pub(crate) idle: Duration,
    /// How long a client may take nothing of what it asked for.
    pub(crate) write: Duration,
    /// After a goodbye, how long a connection without a request stays.
    pub(crate) grace: Duration,
}

/// Serves one connection until it ends, `cut` is cancelled, or it has been idle for too long. From `shutdown` on it takes
/// no more requests.
///
/// # Errors
/// When the connection broke, or the client broke the protocol.
pub(crate) async fn serve_http2<S>(
    stream: S,
    (edge, activity): (EdgeConnection, Arc<Activity>),
    options: Http2Options,
    (shutdown, cut): (CancellationToken, CancellationToken),
) -> Result<(), h2::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let hold = Hold::default();
    let mut connection = Builder::new()
        .max_concurrent_streams(options.streams)
        .max_header_list_size(options.head)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake::<_, Bytes>(hold.on(stream))
        .await?;
    let pings = connection.ping_pong();
    let mut is_gone = pin!(vanished(pings, options, Arc::clone(&activity)));
    let mut shutdown = pin!(shutdown.cancelled());
    let mut timer = pin!(sleep(options.idle));
    let outlet = Outlet::new(activity, options.write);
    let mut exchanges = Exchanges::new(edge, outlet);
    let mut turns = Turns::new(connection, hold);
    let mut is_leaving = false;
    let ended = loop {
        tokio::select! {
            biased;
            Some(sent) = exchanges.running.join_next() => {
                exchanges.used = Instant::now();
                if is_leaving {
                    // The end of the stream is not on the wire yet; the connection ends by itself when it is.
                    timer.as_mut().reset(Instant::now() + options.grace);
                }
                if matches!(sent, Ok(Sent::Stalled)) && !is_leaving {
                    tracing::debug!("a client takes nothing on any stream; its connection is closed");
                    turns.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                    is_leaving = true;
                    timer.as_mut().reset(Instant::now() + options.grace);
                }
            }
            () = &mut shutdown, if !is_leaving => {
                turns.connection.graceful_shutdown();
                is_leaving = true;
                timer.as_mut().reset(Instant::now() + options.grace);
            }
            () = cut.cancelled(), if is_leaving => break Ok(()),
            () = &mut is_gone => break Ok(()),
            () = &mut timer => {
                let is_idle = exchanges.running.is_empty();
                let idle_until = exchanges.used + options.idle;
                let next = match (is_leaving, is_idle) {
                    (true, true) => break Ok(()),
                    (true, false) => options.grace,
                    (false, true) if idle_until <= Instant::now() => {
                        turns.connection.graceful_shutdown();
                        is_leaving = true;
                        options.grace
                    }
                    (false, true) => idle_until - Instant::now(),
                    (false, false) => options.idle,
                };
                timer.as_mut().reset(Instant::now() + next);
            }
            // The last one, since a busy client always has something here.
            begun = turns.begin() => match begun {
                Some(Ok(())) => {
                    for (request, respond) in turns.requests() {
                        exchanges.begin(request, respond);
                    }
                    turns.end();
                }
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            },
        }
    };
    exchanges.running.shutdown().await;
    ended
}

/// Returns when the client does not answer pings and takes nothing any more.
async fn vanished(pings: Option<PingPong>, options: Http2Options, activity: Arc<Activity>) {
    let Some(mut pings) = pings else {
        return std::future::pending().await;
    };
    loop {
        sleep(options.idle / 3).await;
        if pings.send_ping(Ping::opaque()).is_err() {
            continue;
        }
        loop {
            match timeout(options.write, poll_fn(|cx| pings.poll_pong(cx))).await {
                Ok(Ok(_)) => break,
                // The connection says so itself.
                Ok(Err(_)) => return std::future::pending().await,
                // A ping waits behind what a slow client has still to read.
                Err(_) if activity.still_for() < options.write => {}
                Err(_) => return,
            }
        }
    }
}

/// The requests of one connection.
struct Exchanges {
    edge: EdgeConnection,
    outlet: Outlet,
    running: JoinSet<Sent>,
    /// When a request last began or ended.
    used: Instant,
    date: (u64, HeaderValue),
}

impl Exchanges {
    fn new(edge: EdgeConnection, outlet: Outlet) -> Self {
        Self {
            edge,
            outlet,
            running: JoinSet::new(),
            used: Instant::now(),
            date: (0, HeaderValue::from_static("")),
        }
    }

    /// Answers a request: at once from memory, as far as the client's windows allow; else on a task of its own.
    fn begin(&mut self, request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>) {
        self.used = Instant::now();
        let (head, stream) = request.into_parts();
        let body = RequestBody::new(stream, &head.headers);
        let date = self.date();
        match self.edge.answer(Request::from_parts(head, body)) {
            EdgeFuture::Ready(response) => {
                let response = response.into_inner().unwrap_or_else(|never| match never {});
                let sending = reply(&mut respond, response, date, &self.outlet);
                if let Some(sending) = sending {
                    self.running.spawn(sending.run());
                }
            }
            EdgeFuture::Cold(answer) => {
                let outlet = self.outlet.clone();
                self.running.spawn(async move {
                    let response = tokio::select! {
                        response = answer => response.unwrap_or_else(|never| match never {}),
                        _gone = poll_fn(|cx| respond.poll_reset(cx)) => return Sent::Over,
                    };
                    match reply(&mut respond, response, date, &outlet) {
                        Some(sending) => sending.run().await,
                        None => Sent::Over,
                    }
                });
            }
        }
    }

    /// The value of `Date`, made once a second.
    fn date(&mut self) -> HeaderValue {
        let now = SystemTime::now();
        let second = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        if self.date.0 != second {
            let text = httpdate::fmt_http_date(now);
            self.date = (
                second,
                HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")),
            );
        }
        self.date.1.clone()
    }
}
