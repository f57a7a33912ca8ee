//! `/_peer/v1`: what other nodes of the cluster ask.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use parking_lot::Mutex;
use stoa_peer::{PeerError, Refusal, RequestTag, Sessions, names};
use stoa_proxy::{ASK_PATH, PeerRequest, PeerRequestError};

use crate::{
    api::read_body,
    guard::OpenGuard,
    mount::Mount,
    peer_reply::{PeerDesk, PeerReply},
    problem::Problem,
};

/// Where it is mounted.
const PREFIX: &str = "/_peer/v1";
/// The longest question, in bytes.
const LONGEST: usize = 16 << 10;

/// What answers other nodes.
pub struct PeerEndpoint {
    sessions: Sessions,
    desk: Arc<dyn PeerDesk>,
    /// When the log was last told of somebody who is no node: anybody can send such requests, and as many as he likes.
    told: Mutex<Option<Instant>>,
}

/// The log is told of those who are no nodes once in this time.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

impl PeerEndpoint {
    /// Lets in whoever has a session of `sessions`; `desk` has the answers.
    pub fn new(sessions: Sessions, desk: Arc<dyn PeerDesk>) -> Self {
        Self {
            sessions,
            desk,
            told: Mutex::new(None),
        }
    }

    /// Tells the log of somebody who is refused, now and then.
    fn refuse(&self, error: &PeerError) -> Response {
        let now = Instant::now();
        let mut told = self.told.lock();
        if told.is_none_or(|at| at + TOLD_AGAIN <= now) {
            *told = Some(now);
            tracing::warn!(%error, "a hello of a node is refused, or a request in the name of one");
        }
        drop(told);
        refused(error)
    }
}

impl fmt::Debug for PeerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerEndpoint")
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

/// `/_peer/v1`: what other nodes ask. It is open as far as the edge is concerned: a request proves by itself that it comes
/// from a node of the cluster, and nothing is done for one that does not.
pub fn peer_mount(endpoint: Arc<PeerEndpoint>) -> Mount {
    let routes = Router::new()
        .route(names::HELLO_PATH, post(hello))
        .route(ASK_PATH, post(ask))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "nodes ask nothing here") })
        .with_state(endpoint);
    Mount::new(PREFIX, Arc::new(OpenGuard), routes).with_max_body(LONGEST)
}

async fn hello(State(endpoint): State<Arc<PeerEndpoint>>, request: Request) -> Response {
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    match endpoint.sessions.hello(&body) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(error) => endpoint.refuse(&error),
    }
}

async fn ask(State(endpoint): State<Arc<PeerEndpoint>>, request: Request) -> Response {
    let headers = request.headers().clone();
    // A body is read only for who may have the right to send one.
    match RequestTag::read(&headers) {
        Ok(tag) if endpoint.sessions.knows(&tag.session()) => {}
        Ok(_) => return refused(&PeerError::UnknownSession),
        Err(error) => return refused(&error),
    }
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let signed = stoa_peer::Request {
        method: &Method::POST,
        target: ASK_PATH,
        headers: &headers,
        covered: &[],
        body: &body,
    };
    let caller = match endpoint.sessions.verify(&signed) {
        Ok(caller) => caller,
        Err(error) => return endpoint.refuse(&error),
    };
    let node = caller.node.id.clone();
    let question = match PeerRequest::parse(&body) {
        Ok(question) => question,
        Err(error @ PeerRequestError::Hops(_)) => {
            tracing::warn!(%node, %error, "a question is refused");
            return Problem::new(StatusCode::LOOP_DETECTED, error.to_string()).into_response();
        }
        Err(error) => return Problem::new(StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    tracing::debug!(%node, about = ?question.about, "a node asks");
    let (writer, desk) = (caller.exchange.writer(), Arc::clone(&endpoint.desk));
    let reply = PeerReply::new(writer, desk, node.to_string(), question);
    let frames = HeaderValue::from_static("application/octet-stream");
    let mut response = Response::new(Body::from_stream(reply.into_stream()));
    response.headers_mut().insert(header::CONTENT_TYPE, frames);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

fn refused(error: &PeerError) -> Response {
    let refusal = Refusal::from(error);
    let mut response = Problem::new(refusal.status(), error.to_string()).into_response();
    response.headers_mut().insert(names::REFUSED, refusal.value());
    response
}
