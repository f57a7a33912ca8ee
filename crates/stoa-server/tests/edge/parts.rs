//! Parts that the tests mount.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header::{CONTENT_TYPE, HeaderName},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use stoa_server::{DrainToken, Mount, OpenGuard};
use tokio::sync::mpsc;

/// What a test sends is what the client of `/live` gets, piece by piece.
pub(crate) type Pieces = mpsc::Sender<Result<Bytes, &'static str>>;

type Source = Arc<Mutex<Option<mpsc::Receiver<Result<Bytes, &'static str>>>>>;

pub(crate) fn mount(prefix: &str, router: Router) -> Mount {
    Mount::new(prefix, Arc::new(OpenGuard), router)
}

/// A part that answers one request at `/live` with pieces of this content type.
pub(crate) fn live(kind: &'static str) -> (Mount, Pieces) {
    live_with([(CONTENT_TYPE, kind)])
}

/// A part that answers one request at `/live` with this header, and pieces.
pub(crate) fn live_with(header: [(HeaderName, &'static str); 1]) -> (Mount, Pieces) {
    let (sender, receiver) = mpsc::channel(1);
    let source: Source = Arc::new(Mutex::new(Some(receiver)));
    let answer = async move |State(source): State<Source>| {
        let receiver = source.lock().unwrap().take().expect("one request");
        let pieces = stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        });
        (header, Body::from_stream(pieces)).into_response()
    };
    let router = Router::new().route("/live", get(answer)).with_state(source);
    (mount("/live", router), sender)
}

/// A part that sends an event when a drain begins, and ends.
pub(crate) fn polite() -> Mount {
    let answer = async |request: Request| -> Response {
        let drain = request.extensions().get::<DrainToken>().unwrap().clone();
        let events = stream::unfold(Some(drain), async |drain| {
            drain?.begun().await;
            Some((Ok::<_, Infallible>("data: bye\n\n"), None))
        });
        ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
    };
    mount("/polite", Router::new().route("/polite", get(answer)))
}

/// A part with `count` pieces of `len` bytes, which counts how many bytes it has been asked for.
pub(crate) fn large(count: u64, len: usize) -> (Mount, Arc<AtomicU64>) {
    let polled = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&polled);
    let answer = get(async move || Body::from_stream(pieces(count, len, counting)));
    (mount("/large", Router::new().route("/large", answer)), polled)
}

fn pieces(count: u64, len: usize, polled: Arc<AtomicU64>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let piece = Bytes::from(vec![7; len]);
    stream::iter((0..count).map(move |_| {
        polled.fetch_add(piece.len() as u64, Ordering::SeqCst);
        Ok(piece.clone())
    }))
}
