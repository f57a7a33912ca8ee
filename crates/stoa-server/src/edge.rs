//! One hyper service for everything a client can ask.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::Router;
use http::{HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use stoa_dispatch::Pool;
use stoa_proxy::{ChecksumDatabases, Content, Held, Protocol};

use crate::{
    AccessLog, AdminGuard, Body, LogWriter, Metrics, PathPrefix, Readiness,
    api::{self, Api},
    finish::{Books, Line},
    goproxy::{CachePolicy, Wanted, respond},
    hot_cache::{Hot, HotCache},
    peer::Peer,
    request_id::RequestIds,
    service_routes::{Service, router},
};

/// What shapes the edge.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// Everything is served below it too.
    pub prefix: PathPrefix,
    /// How long answers that may change are fresh, for `Cache-Control`.
    pub list_ttl: Duration,
    /// Memory for hot files, in bytes; 0 switches it off.
    pub memory: u64,
    /// Whether the listener speaks TLS.
    pub secure: bool,
    /// The version to show.
    pub version: &'static str,
}

/// What the edge is built on.
#[derive(Debug)]
pub struct EdgeParts {
    /// Answers GOPROXY questions.
    pub protocol: Arc<dyn Protocol>,
    /// Answers questions to checksum databases.
    pub checksum_databases: ChecksumDatabases,
    /// Says whether this server is ready.
    pub readiness: Arc<Readiness>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Access lines; `None` for none.
    pub access_log: Option<Arc<AccessLog>>,
    /// Says who may use the API.
    pub admin: AdminGuard,
    /// The door of every outbound request, shown and changed at `/api/v1/lanes`.
    pub dispatcher: Pool,
    /// The log output, asked for how many lines it lost.
    pub log: LogWriter,
}

/// What answers clients, not yet tied to a connection.
#[derive(Clone)]
pub struct Edge {
    shared: Arc<Shared>,
}

/// The service of one connection.
///
/// A hit in memory is answered without the router, a parse or a task switch. It still gets its request id, access line
/// and metrics; ADR 0003 has the cost of each.
#[derive(Clone)]
pub(crate) struct EdgeConnection {
    shared: Arc<Shared>,
    peer: Peer,
    /// The peer as the log shows it.
    remote: Arc<str>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) protocol: Arc<dyn Protocol>,
    pub(crate) checksum_databases: ChecksumDatabases,
    pub(crate) books: Books,
    pub(crate) hot: Option<HotCache>,
    pub(crate) ids: RequestIds,
    pub(crate) prefix: PathPrefix,
    pub(crate) policy: CachePolicy,
    pub(crate) service: Router,
    pub(crate) api: Router,
}

impl Edge {
    /// The edge of these parts.
    pub fn new(options: EdgeOptions, parts: EdgeParts) -> Self {
        let service = router(Service {
            readiness: parts.readiness,
            metrics: Arc::clone(&parts.metrics),
            log: parts.log,
            prefix: options.prefix.clone(),
            secure: options.secure,
            version: options.version,
        });
        let api = api::router(Api {
            guard: Arc::new(parts.admin),
            dispatcher: parts.dispatcher,
            version: options.version,
        });
        let shared = Shared {
            protocol: parts.protocol,
            checksum_databases: parts.checksum_databases,
            books: Books {
                log: parts.access_log,
                metrics: parts.metrics,
            },
            hot: (options.memory > 0).then(|| HotCache::new(options.memory)),
            ids: RequestIds::new(),
            prefix: options.prefix,
            policy: CachePolicy::new(options.list_ttl),
            service,
            api,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The edge for a connection from `peer`.
    pub(crate) fn for_connection(&self, peer: Peer) -> EdgeConnection {
        EdgeConnection {
            shared: Arc::clone(&self.shared),
            peer,
            remote: peer.to_string().into(),
        }
    }

    /// The counts.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.books.metrics
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edge({})", self.shared.protocol)
    }
}

impl hyper::service::Service<Request<Incoming>> for EdgeConnection {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = EdgeFuture;

    fn call(&self, request: Request<Incoming>) -> EdgeFuture {
        let started = Instant::now();
        let id = self.shared.ids.id(request.headers());
        if let Some(hot) = self.shared.hot(&request) {
            return EdgeFuture::Hot(ready(Ok(self.shared.answer_hot(
                &request,
                &hot,
                &id,
                &self.remote,
                started,
            ))));
        }
        let asked = crate::finish::Request {
            started,
            id,
            peer: self.peer,
            remote: Arc::clone(&self.remote),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        };
        let shared = Arc::clone(&self.shared);
        EdgeFuture::Cold(Box::pin(async move { Ok(shared.answer(request, asked).await) }))
    }
}

/// A response that is there, or one that has to be made.
#[expect(
    clippy::large_enum_variant,
    reason = "boxing the hot variant would cost each hit an allocation"
)]
pub(crate) enum EdgeFuture {
    /// From memory.
    Hot(Ready<Result<Response<Body>, Infallible>>),
    /// By the pipeline or a service route.
    Cold(Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>),
}

impl Future for EdgeFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Hot(response) => Pin::new(response).poll(cx),
            Self::Cold(response) => response.as_mut().poll(cx),
        }
    }
}

impl Shared {
    fn hot<B>(&self, request: &Request<B>) -> Option<Arc<Hot>> {
        let hot = self.hot.as_ref()?;
        matches!(*request.method(), Method::GET | Method::HEAD)
            .then(|| hot.get(request.uri().path()))
            .flatten()
    }

    fn answer_hot<B>(
        &self,
        request: &Request<B>,
        hot: &Hot,
        id: &HeaderValue,
        remote: &str,
        started: Instant,
    ) -> Response<Body> {
        let wanted = Wanted {
            method: request.method(),
            headers: request.headers(),
            request_id: id,
        };
        let content = (Content::Bytes(hot.content.clone()), Held::default());
        let response = respond(wanted, &hot.subject, content, Some(&hot.etag), &self.policy);
        self.books.write(&Line {
            started,
            id,
            remote,
            method: request.method(),
            path: request.uri().path(),
            status: response.status().as_u16(),
            subject: &hot.subject,
            result: "hit",
            error: None,
            bytes: response.body().in_memory().unwrap_or(0),
            cut: false,
            meter: Some(&hot.meter),
        });
        response
    }
}
