//! `/api/v1`: the administration of this server.

mod json;
mod lanes;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http_body_util::Limited;
use stoa_dispatch::Pool;

use crate::{AdminGuard, peer::Peer, problem::Problem};

/// Where it is, below the path prefix.
const ROOT: &str = "/api/v1";

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 64 << 10;

/// What the routes work on.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) guard: Arc<AdminGuard>,
    pub(crate) dispatcher: Pool,
    pub(crate) version: &'static str,
}

/// The routes: of all that is at or below [`ROOT`].
pub(crate) fn router(api: Api) -> Router {
    let routes = Router::new().route("/api/v1/version", get(version));
    guarded(routes.merge(lanes::routes()), api)
}

/// Routes behind the guard. Nobody meets one, or learns that there is none, but past it.
fn guarded(routes: Router<Api>, api: Api) -> Router {
    let guard = Arc::clone(&api.guard);
    routes
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(guard, admit))
        .with_state(api)
}

/// Whether a path is the API's. No module has such a path: the first element of one has a dot.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Lets in who may come in, with a body of bounded size.
async fn admit(State(guard): State<Arc<AdminGuard>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let mut response = match guard.check(peer, request.uri(), request.headers()) {
        Err(problem) => problem.into_response(),
        Ok(()) if request.body().size_hint().lower() > MAX_BODY as u64 => too_large().into_response(),
        Ok(()) => {
            next.run(request.map(|body| Body::new(Limited::new(body, MAX_BODY))))
                .await
        }
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

async fn version(State(api): State<Api>) -> Response {
    let body = serde_json::json!({ "version": api.version }).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("nothing is at {}", uri.path()))
}

async fn other_method(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} means nothing here; the Allow header names what does"),
    )
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {MAX_BODY} bytes"),
    )
}
