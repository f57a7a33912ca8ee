//! Errors of the API as RFC 9457 writes them.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use stoa_telemetry::visible;

/// An error of a mounted part: what went wrong, and what to do. As a response it is `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status of the response.
    pub status: StatusCode,
    /// The status in words.
    pub title: &'static str,
    /// What went wrong with this request, in one line.
    pub detail: String,
}

impl Problem {
    /// A problem that its status and `detail` say all of.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            // What the type `about:blank` asks for.
            title: status.canonical_reason().unwrap_or("Error"),
            detail: detail.into(),
        }
    }

    /// The body of a request is longer than the part reads.
    pub(crate) fn too_large(max_body: usize) -> Self {
        let detail = format!("the body is larger than {max_body} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, visible(&body.to_string()).into_owned()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
