//! The order in which a request is answered.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version, request::Parts};
use hyper::body::Incoming;
use stoa_telemetry::span;
use tracing::Instrument;

use crate::{
    activity::Activity,
    body::Body,
    drain::DrainToken,
    edge_state::EdgeState,
    finish::{Finish, RequestInfo, ResponseInfo},
    gate::{GateQuestion, Judgement},
    goproxy::RequestHead,
    hosts::{AskedHosts, OTHER_HOST},
    hot_cache::Hot,
    peer::Peer,
    resettable::Unfinished,
    status::{ErrorReply, UNKNOWN_PATH},
    subject::Subject,
};

/// The service of one connection.
///
/// A request meets these stages, in this order; the edge prints them, and a test holds what it prints:
///
/// 1. `request_id` - the client's own id, or a new one; then a request for a host that is none of ours is refused
/// 2. `span` - `request{id=...}`, for all but hits in memory
/// 3. `gate` - says who asks and whether they may; before everything that answers
/// 4. `hot_memory` - answers files that were asked for lately
/// 5. `mounts` - parts with paths of their own
/// 6. `goproxy` - checksum databases, and modules by the pipelines
/// 7. `access_line` - with the metrics, when the body has ended
///
/// A hit in memory passes 1, 3, 4 and 7 in [`answer`](Self::answer), without a parse, a boxed future or a task switch; ADR
/// 0003 has the cost of each. Everything else is answered by `answer_cold`.
#[derive(Clone)]
pub(crate) struct EdgeConnection {
    edge: Arc<EdgeState>,
    peer: Peer,
    /// The peer as the log shows it.
    remote: Arc<str>,
    drain: DrainToken,
    hosts: AskedHosts,
    unfinished: Unfinished,
    activity: Arc<Activity>,
}

/// What a connection tells its requests, and they tell it.
pub(crate) struct ConnectionState {
    /// Asks it to end.
    pub(crate) drain: DrainToken,
    /// The names that are answered where it came in.
    pub(crate) hosts: AskedHosts,
    /// Told of unfinished bodies.
    pub(crate) unfinished: Unfinished,
    /// Told of requests that are being answered.
    pub(crate) activity: Arc<Activity>,
}

/// What the first stages have found out.
struct Begun {
    info: RequestInfo,
    hot: Option<Arc<Hot>>,
    judged: Option<Judgement>,
}

impl EdgeConnection {
    pub(crate) fn new(edge: Arc<EdgeState>, peer: Peer, state: ConnectionState) -> Self {
        let ConnectionState {
            drain,
            hosts,
            unfinished,
            activity,
        } = state;
        Self {
            edge,
            peer,
            remote: peer.to_string().into(),
            drain,
            hosts,
            unfinished,
            activity,
        }
    }

    /// Answers a request.
    pub(crate) fn answer<B>(&self, request: Request<B>) -> EdgeFuture
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let started = Instant::now();
        let id = self.edge.ids.id(request.headers());
        let is_ours = self.hosts.answer(&request);
        let hot = is_ours.then(|| self.edge.hot(&request)).flatten();
        let judged = self.judge_hot(&request, hot.as_deref());
        if let (Some(hot), Some(Ok(_))) = (&hot, &judged) {
            let head = RequestHead {
                method: request.method(),
                headers: request.headers(),
                request_id: &id,
            };
            let from = (started, &*self.remote, request.uri().path());
            return EdgeFuture::Ready(ready(Ok(self.edge.answer_hot(head, hot, from))));
        }
        let span = span::request(id.to_str().unwrap_or("-"));
        let info = RequestInfo {
            started,
            id,
            remote: Arc::clone(&self.remote),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            span: span.clone(),
            unfinished: (request.version() < Version::HTTP_11).then(|| self.unfinished.clone()),
            busy: self.activity.answering(),
        };
        if !is_ours {
            return EdgeFuture::Ready(ready(Ok(self.other_host(&request, info))));
        }
        let begun = Begun { info, hot, judged };
        let (this, (parts, body)) = (self.clone(), request.into_parts());
        let answer = async move { Ok(this.answer_cold(parts, body, begun).await) };
        EdgeFuture::Cold(Box::pin(answer.instrument(span)))
    }

    /// Refuses a request for a host that is none of ours.
    fn other_host<B>(&self, request: &Request<B>, info: RequestInfo) -> Response<Body> {
        let head = RequestHead {
            method: request.method(),
            headers: request.headers(),
            request_id: &info.id,
        };
        let error = ErrorReply::own(StatusCode::MISDIRECTED_REQUEST, OTHER_HOST);
        let (response, response_info) = EdgeState::refused(head, Subject::Unknown, error);
        finished(&self.edge, response, info, response_info)
    }

    /// Whether a hit may be given, as far as the gate can say at once; `None` if there is none.
    fn judge_hot<B>(&self, request: &Request<B>, hot: Option<&Hot>) -> Option<Judgement> {
        self.edge.gate.judge_now(&GateQuestion {
            method: request.method(),
            path: request.uri().path(),
            headers: request.headers(),
            peer: self.peer,
            subject: &hot?.subject,
        })
    }

    /// Answers what memory and the gate could not answer at once.
    async fn answer_cold<B>(self, parts: Parts, body: B, begun: Begun) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let (edge, Begun { info, hot, judged }) = (&self.edge, begun);
        let _open = edge.books.metrics.open_request();
        tracing::debug!(method = %info.method, path = info.path, "looking for an answer");
        let read = match &hot {
            Some(hot) => Ok(hot.subject.clone()),
            None => edge.subject(&info.path, parts.uri.query()),
        };
        let (subject, error) =
            read.map_or_else(|error| (Subject::Unknown, Some(error)), |subject| (subject, None));
        let judged = if let Some(judged) = judged {
            judged
        } else {
            let question = GateQuestion {
                method: &parts.method,
                path: &info.path,
                headers: &parts.headers,
                peer: self.peer,
                subject: &subject,
            };
            edge.gate.judge(&question).await
        };
        let head = RequestHead {
            method: &parts.method,
            headers: &parts.headers,
            request_id: &info.id,
        };
        let (response, response_info) = match (judged, error, hot) {
            (Err(refusal), _, _) => EdgeState::refused(head, subject, refusal.into()),
            (Ok(_), Some(error), _) => EdgeState::refused(head, subject, error),
            (Ok(_), None, Some(hot)) => {
                return edge.answer_hot(head, &hot, (info.started, &info.remote, &info.path));
            }
            (Ok(caller), None, None) => {
                let context = info.context(caller);
                match subject {
                    Subject::Mount(mount) => {
                        let request = Request::from_parts(parts, axum::body::Body::new(body));
                        let asker = (self.peer, context, self.drain.clone());
                        edge.mounted(mount, request, &info.id, asker).await
                    }
                    Subject::Unknown => {
                        let error = ErrorReply::own(StatusCode::NOT_FOUND, UNKNOWN_PATH);
                        EdgeState::refused(head, subject, error)
                    }
                    subject if !matches!(info.method, Method::GET | Method::HEAD) => {
                        EdgeState::other_method(head, subject)
                    }
                    Subject::Module(resource) => edge.module(head, &info.path, resource, context).await,
                    Subject::Sum(question) => edge.sum(head, question).await,
                    Subject::Release(request) => edge.release(head, request, context).await,
                }
            }
        };
        finished(edge, response, info, response_info)
    }
}

/// Writes the request down now if the body is in memory, else at its end.
fn finished(
    edge: &EdgeState,
    response: Response<Body>,
    info: RequestInfo,
    response_info: ResponseInfo,
) -> Response<Body> {
    let finish = Finish::new(edge.books.clone(), info, response_info);
    let (parts, body) = response.into_parts();
    let body = match body.in_memory() {
        Some(bytes) => {
            finish.now(bytes);
            body
        }
        None => body.finishing(finish),
    };
    Response::from_parts(parts, body)
}

impl hyper::service::Service<Request<Incoming>> for EdgeConnection {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = EdgeFuture;

    fn call(&self, request: Request<Incoming>) -> EdgeFuture {
        self.answer(request)
    }
}

/// A response that is there, or one that has to be made.
pub(crate) enum EdgeFuture {
    /// From memory, or refused.
    Ready(Ready<Result<Response<Body>, Infallible>>),
    /// By a mounted part or a pipeline.
    Cold(Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>),
}

impl Future for EdgeFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(response) => Pin::new(response).poll(cx),
            Self::Cold(response) => response.as_mut().poll(cx),
        }
    }
}
