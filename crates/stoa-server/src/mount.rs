//! A part that answers below a path of its own.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    body::{Body, HttpBody},
    http::{HeaderValue, Request, header},
    response::{IntoResponse, Response},
};
use http_body_util::Limited;
use stoa_module::Resource;
use tower::ServiceExt;

use crate::{guard::Guard, peer::Peer, problem::Problem};

/// The longest body of a request that a part reads unless it says otherwise, in bytes.
const MAX_BODY: usize = 64 << 10;

/// A part of the program, mounted at a path: the edge passes on every request at or below it, of any method.
///
/// * The routes of the router are whole paths, with the prefix: `/api/v1/jobs/{id}`. The path prefix under which stoa
///   itself is served has been cut off.
/// * Among the extensions of a request are [`Peer`], [`DrainToken`](crate::DrainToken) and
///   [`stoa_fetch::Context`], which says who asks.
/// * Answers are streamed: nothing of a body is kept, and a slow client slows the body down. Its access line is written
///   at its end.
/// * What a part counts, it registers in a [`Part`](stoa_telemetry::Part) of its own.
pub struct Mount {
    prefix: String,
    guard: Arc<dyn Guard>,
    router: Router,
    max_body: usize,
}

/// How long the body of a request may be; among the extensions of each request to a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxBody(pub(crate) usize);

/// A path at which nothing can be mounted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// Not `/name` or `/name/name`.
    #[error("nothing can be mounted at {0:?}: write /name or /name/name, letters, digits and -_.~")]
    Path(String),
    /// A module could have the path.
    #[error("nothing can be mounted at {0}: a module could have that path")]
    Module(String),
    /// Checksum databases have the path.
    #[error("nothing can be mounted at {0}: checksum databases are passed on there")]
    Sumdb(String),
    /// Another part has the same path.
    #[error("two parts are mounted at {0}")]
    Twice(String),
}

impl Mount {
    /// Mounts `router` at `prefix`, behind `guard`. What is mounted at `/` answers what no other part and no module has.
    pub fn new(prefix: &str, guard: Arc<dyn Guard>, router: Router) -> Self {
        Self {
            prefix: prefix.to_owned(),
            guard,
            router,
            max_body: MAX_BODY,
        }
    }

    /// With request bodies of up to `max_body` bytes; without this, up to 64 KiB. A longer body is refused when it is
    /// announced, and fails when it is read.
    #[must_use]
    pub fn with_max_body(mut self, max_body: usize) -> Self {
        self.max_body = max_body;
        self
    }

    /// Where it is mounted.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether a path is at or below the prefix. Nothing is below `/`.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether it answers what nothing else does.
    pub(crate) fn is_root(&self) -> bool {
        self.prefix == "/"
    }

    /// # Errors
    /// When the prefix is no path, or one that a module or a checksum database has.
    pub(crate) fn check(&self) -> Result<(), MountError> {
        if self.is_root() {
            return Ok(());
        }
        let path = || self.prefix.clone();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        let is_element = |element: &str| !matches!(element, "" | "." | "..") && element.bytes().all(plain);
        let below = self.prefix.strip_prefix('/').unwrap_or("");
        if !below.split('/').all(is_element) {
            return Err(MountError::Path(path()));
        }
        let first = below.split('/').next().unwrap_or_default();
        if first == "sumdb" {
            return Err(MountError::Sumdb(path()));
        }
        // The first element of a module path has a dot.
        let list = Resource::parse(&format!("{below}/@v/list"));
        if first.contains('.') || matches!(list, Ok(Some(_))) {
            return Err(MountError::Module(path()));
        }
        Ok(())
    }

    /// Answers a request: the guard first, then the bound of its body, then the router.
    pub(crate) async fn answer(&self, mut request: Request<Body>) -> Response {
        let peer = request.extensions().get::<Peer>().copied();
        if let Err(problem) = self.guard.check(peer, request.uri(), request.headers()) {
            return refused(&problem);
        }
        if request.body().size_hint().lower() > self.max_body as u64 {
            return refused(&Problem::too_large(self.max_body));
        }
        request.extensions_mut().insert(MaxBody(self.max_body));
        let request = request.map(|body| Body::new(Limited::new(body, self.max_body)));
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn refused(problem: &Problem) -> Response {
    let mut response = problem.clone().into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.prefix, self.guard)
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mount({self})")
    }
}
