//! A server in memory that does as a script says, and remembers what it was asked.

use std::{
    fmt,
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use stoa_dispatch::{RawBody, Request, RequestContent, Transport, TransportError, TransportErrorKind};
use tokio::{
    sync::Semaphore,
    time::{Instant, Sleep, sleep},
};

/// What a script sees of a request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Attempts before this one.
    pub(crate) number: usize,
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Script = Box<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// The server.
pub(crate) struct Origin {
    script: Script,
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    seen: Vec<Seen>,
    in_flight: usize,
    peak: usize,
    dropped_exchanges: usize,
    dropped_bodies: usize,
}

/// What it does with a request.
pub(crate) struct Answer {
    delay: Duration,
    gate: Option<Arc<Semaphore>>,
    work: Option<(Arc<Semaphore>, Duration)>,
    what: What,
}

enum What {
    Head(StatusCode, HeaderMap, Flow),
    Fails(TransportErrorKind),
    Hangs,
    Panics,
}

/// How a body comes.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    /// These pieces, at once.
    Pieces(Vec<Bytes>),
    /// 1 KiB, again and again, without a pause.
    Endless,
    /// Nothing, again and again, without a pause.
    Empty,
    /// A byte a second, without an end.
    Drip,
    /// A byte after each pause, so many of them.
    Slow(Duration, usize),
    /// This, and then nothing more.
    Stalls(Bytes),
    /// This, and then the connection is cut.
    Cut(Bytes),
    /// This, and then a panic.
    Panics(Bytes),
}

impl Origin {
    pub(crate) fn new(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            book: Arc::default(),
        })
    }

    pub(crate) fn attempts(&self) -> usize {
        self.book.lock().seen.len()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.book.lock().seen.clone()
    }

    /// Milliseconds from `began` to each arrival.
    pub(crate) fn arrivals(&self, began: Instant) -> Vec<u128> {
        let book = self.book.lock();
        let arrivals = book.seen.iter().map(|seen| seen.at.duration_since(began));
        arrivals.map(|after| after.as_millis()).collect()
    }

    /// The paths asked for, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        let book = self.book.lock();
        book.seen.iter().map(|seen| seen.uri.path().to_owned()).collect()
    }

    /// Exchanges that have not ended, their bodies included.
    pub(crate) fn in_flight(&self) -> usize {
        self.book.lock().in_flight
    }

    /// The most that have been in flight at once.
    pub(crate) fn peak(&self) -> usize {
        self.book.lock().peak
    }

    /// Exchanges given up before their head, and bodies given up before their end.
    pub(crate) fn dropped(&self) -> (usize, usize) {
        let book = self.book.lock();
        (book.dropped_exchanges, book.dropped_bodies)
    }
}

impl Answer {
    pub(crate) fn of(what: StatusCode, flow: Flow) -> Self {
        Self::doing(What::Head(what, HeaderMap::new(), flow))
    }

    /// An answer with a short body.
    pub(crate) fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("status");
        Self::of(status, Flow::Pieces(vec![Bytes::from_static(b"body")]))
    }

    pub(crate) fn ok() -> Self {
        Self::status(200)
    }

    /// An answer without a body.
    pub(crate) fn empty() -> Self {
        Self::of(StatusCode::NO_CONTENT, Flow::Pieces(Vec::new()))
    }

    pub(crate) fn body(flow: Flow) -> Self {
        Self::of(StatusCode::OK, flow)
    }

    pub(crate) fn fails(kind: TransportErrorKind) -> Self {
        Self::doing(What::Fails(kind))
    }

    pub(crate) fn hangs() -> Self {
        Self::doing(What::Hangs)
    }

    pub(crate) fn panics() -> Self {
        Self::doing(What::Panics)
    }

    fn doing(what: What) -> Self {
        Self {
            delay: Duration::ZERO,
            gate: None,
            work: None,
            what,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let What::Head(_, headers, _) = &mut self.what {
            let value = HeaderValue::from_str(value).expect("value");
            headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// The head comes so much later.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The head comes once one of the workers has worked for so long.
    pub(crate) fn working(mut self, workers: &Arc<Semaphore>, time: Duration) -> Self {
        self.work = Some((Arc::clone(workers), time));
        self
    }

    /// The head comes once the gate lets it through.
    pub(crate) fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }
}

#[async_trait]
impl Transport for Origin {
    async fn send(&self, request: Request) -> Result<http::Response<RawBody>, TransportError> {
        let (head, body) = request.into_parts();
        let mut exchange = Exchange::begin(&self.book);
        let body = match body.into_content() {
            RequestContent::Bytes(bytes) => bytes,
            RequestContent::Stream(stream) => stream.collect().await.expect("request body").to_bytes(),
        };
        let seen = {
            let mut book = self.book.lock();
            let seen = Seen {
                number: book.seen.len(),
                at: Instant::now(),
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body,
            };
            book.seen.push(seen.clone());
            seen
        };
        let answer = (self.script)(&seen);
        if !answer.delay.is_zero() {
            sleep(answer.delay).await;
        }
        if let Some(gate) = &answer.gate {
            gate.acquire().await.expect("gate").forget();
        }
        if let Some((workers, time)) = &answer.work {
            let _worker = workers.acquire().await.expect("workers");
            sleep(*time).await;
        }
        match answer.what {
            What::Head(status, headers, flow) => {
                exchange.in_body = true;
                let mut response = http::Response::new(RawBody::new(Flowing::new(flow, exchange)));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok(response)
            }
            What::Fails(kind) => {
                exchange.done = true;
                Err(TransportError::new(kind, "scripted failure"))
            }
            What::Hangs => pending().await,
            What::Panics => panic!("the transport panics"),
        }
    }
}

/// One exchange, until its body has ended.
struct Exchange {
    book: Arc<Mutex<Book>>,
    in_body: bool,
    done: bool,
}

impl Exchange {
    fn begin(book: &Arc<Mutex<Book>>) -> Self {
        let mut counts = book.lock();
        counts.in_flight += 1;
        counts.peak = counts.peak.max(counts.in_flight);
        drop(counts);
        Self {
            book: Arc::clone(book),
            in_body: false,
            done: false,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut book = self.book.lock();
        book.in_flight -= 1;
        match (self.done, self.in_body) {
            (true, _) => {}
            (false, false) => book.dropped_exchanges += 1,
            (false, true) => book.dropped_bodies += 1,
        }
    }
}

/// A body as it comes.
struct Flowing {
    flow: Flow,
    sent: usize,
    pause: Option<Pin<Box<Sleep>>>,
    exchange: Option<Exchange>,
}

impl Flowing {
    fn new(flow: Flow, exchange: Exchange) -> Self {
        let mut body = Self {
            flow,
            sent: 0,
            pause: None,
            exchange: Some(exchange),
        };
        if matches!(&body.flow, Flow::Pieces(pieces) if pieces.is_empty()) {
            body.end();
        }
        body
    }

    fn end(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            exchange.done = true;
        }
    }

    fn first(&mut self, piece: &Bytes) -> Option<Bytes> {
        self.sent += 1;
        (self.sent == 1 && !piece.is_empty()).then(|| piece.clone())
    }

    /// A byte after a pause, for a reader that waits for it.
    fn poll_byte(&mut self, pause: Duration, cx: &mut Context<'_>) -> Poll<Bytes> {
        let timer = self.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(timer.as_mut().poll(cx));
        self.pause = None;
        self.sent += 1;
        Poll::Ready(Bytes::from_static(b"x"))
    }
}

impl Body for Flowing {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = &mut *self;
        let piece = match this.flow.clone() {
            Flow::Pieces(pieces) => {
                this.sent += 1;
                pieces.get(this.sent - 1).cloned()
            }
            Flow::Endless => Some(Bytes::from_static(&[0; 1024])),
            Flow::Empty => Some(Bytes::new()),
            Flow::Drip => Some(ready!(this.poll_byte(Duration::from_secs(1), cx))),
            Flow::Slow(_, count) if this.sent == count => None,
            Flow::Slow(pause, _) => Some(ready!(this.poll_byte(pause, cx))),
            Flow::Stalls(piece) => match this.first(&piece) {
                None => return Poll::Pending,
                piece => piece,
            },
            Flow::Cut(piece) => match this.first(&piece) {
                None => {
                    this.end();
                    let error = TransportError::new(TransportErrorKind::Cut, "cut");
                    return Poll::Ready(Some(Err(error)));
                }
                piece => piece,
            },
            Flow::Panics(piece) => match this.first(&piece) {
                None => panic!("the body panics"),
                piece => piece,
            },
        };
        if piece.is_none() {
            this.end();
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.is_none()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}
