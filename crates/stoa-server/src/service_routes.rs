//! Everything that is not GOPROXY.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{LogWriter, Metrics, PathPrefix, Readiness, home};

/// What the service routes show.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: LogWriter,
    pub(crate) prefix: PathPrefix,
    /// Whether this listener speaks TLS.
    pub(crate) secure: bool,
    pub(crate) version: &'static str,
}

const TEXT: (header::HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");

/// The routes, relative to the path prefix.
pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/", get(home_page))
        .route("/healthz", get(|| async { ([TEXT], "ok\n") }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .route(
            "/robots.txt",
            get(|| async { ([TEXT], "User-agent: *\nDisallow: /\n") }),
        )
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .with_state(service)
}

async fn home_page(State(service): State<Service>, request: Request) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host
        .or(request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or("127.0.0.1:3000");
    let scheme = if service.secure { "https" } else { "http" };
    let page = home::page(&format!("{scheme}://{host}{}", service.prefix), service.version);
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn ready(State(service): State<Service>) -> Response {
    match service.readiness.check().await {
        Ok(()) => ([TEXT], "ready\n").into_response(),
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            [TEXT],
            format!("not ready: {reason}\n"),
        )
            .into_response(),
    }
}

async fn version(State(service): State<Service>) -> Response {
    let body = serde_json::json!({ "version": service.version }).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(service): State<Service>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, kind)],
        service.metrics.text(service.log.dropped()),
    )
        .into_response()
}

async fn other_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [TEXT], "only GET and HEAD\n").into_response()
}

async fn unknown() -> Response {
    let text =
        "not a GOPROXY path: want /MODULE/@v/list, /MODULE/@v/VERSION.{info,mod,zip} or /MODULE/@latest\n";
    (StatusCode::NOT_FOUND, [TEXT], text).into_response()
}
