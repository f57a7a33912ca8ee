//! Everything that is not GOPROXY.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use stoa_telemetry::Registry;

use crate::{
    guard::{Guard, OpenGuard},
    home,
    mount::Mount,
    readiness::Readiness,
    request_path::PathPrefix,
    status::UNKNOWN_PATH,
};

/// The service pages: `/`, `/healthz`, `/readyz`, `/version`, `/robots.txt`.
#[derive(Clone, Debug)]
pub struct ServicePages {
    /// Shown at `/readyz`.
    pub readiness: Arc<Readiness>,
    /// The path prefix of the edge, for the home page.
    pub prefix: PathPrefix,
    /// Whether this listener speaks TLS.
    pub secure: bool,
    /// The version to show.
    pub version: &'static str,
}

const TEXT: (header::HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");

impl ServicePages {
    /// The pages, mounted at `/`: they answer what no other part and no module has.
    pub fn mount(self) -> Mount {
        // The pages read no body, so a request that announces a long one is answered like any other.
        Mount::new("/", Arc::new(OpenGuard), router(self)).with_max_body(usize::MAX)
    }
}

/// `/metrics`: what `registry` has counted. It names the hosts that are asked, so it is not for everybody.
pub fn metrics_mount(registry: Registry, guard: Arc<dyn Guard>) -> Mount {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .with_state(registry);
    Mount::new("/metrics", guard, routes).with_max_body(usize::MAX)
}

fn router(pages: ServicePages) -> Router {
    Router::new()
        .route("/", get(home_page))
        .route("/healthz", get(|| async { ([TEXT], "ok\n") }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route(
            "/robots.txt",
            get(|| async { ([TEXT], "User-agent: *\nDisallow: /\n") }),
        )
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .with_state(pages)
}

async fn home_page(State(pages): State<ServicePages>, request: Request) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host
        .or(request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or("127.0.0.1:3000");
    let scheme = if pages.secure { "https" } else { "http" };
    let page = home::page(&format!("{scheme}://{host}{}", pages.prefix), pages.version);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, home::POLICY),
    ];
    (headers, page).into_response()
}

async fn ready(State(pages): State<ServicePages>) -> Response {
    match pages.readiness.check().await {
        Ok(said) => {
            let lines = said.into_iter().map(|line| format!("{line}\n"));
            let text: String = std::iter::once("ready\n".to_owned()).chain(lines).collect();
            ([TEXT], text).into_response()
        }
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            [TEXT],
            format!("not ready: {reason}\n"),
        )
            .into_response(),
    }
}

async fn version(State(pages): State<ServicePages>) -> Response {
    let body = serde_json::json!({ "version": pages.version }).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(registry): State<Registry>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], registry.text()).into_response()
}

async fn other_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [TEXT], "only GET and HEAD\n").into_response()
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, [TEXT], UNKNOWN_PATH).into_response()
}
