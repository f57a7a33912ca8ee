//! JSON in the bodies of requests.

use std::{error::Error, time::Duration};

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError};
use serde::{Serialize, de::DeserializeOwned};
use stoa_telemetry::visible;
use tokio::time::timeout;

use crate::{mount::MaxBody, problem::Problem};

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// The body of a request as a `T`, or of an answer. Put `#[serde(deny_unknown_fields)]` on `T`, so that a slip is told and not ignored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "send the body as JSON, with \"Content-Type: application/json\"";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let body = read_body(request).await?;
        let value = serde_json::from_slice(&body);
        let bad = |error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                format!("the body makes no sense: {error}"),
            )
        };
        value.map(Self).map_err(bad)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.0) {
            // Operators read it in a terminal, and it quotes what hosts have said.
            Ok(body) => {
                let body = visible(&body).into_owned();
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

/// What the body is, without the parameters of it.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    kind.split(';').next().map(str::trim)
}

/// The whole body, which the mount has bounded.
pub(crate) async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let max_body = request
        .extensions()
        .get::<MaxBody>()
        .map_or(usize::MAX, |max| max.0);
    match timeout(ARRIVAL, request.into_body().collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if is_length(&error) => Err(Problem::too_large(max_body)),
        Ok(Err(error)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the body broke off: {error}"),
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body took longer than {} seconds", ARRIVAL.as_secs()),
        )),
    }
}

fn is_length(error: &(dyn Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_length)
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use super::*;
    use crate::{OpenGuard, mount::Mount, peer::Peer};
    use axum::{
        Router,
        body::{Body, to_bytes},
        http::Method,
        routing::put,
    };
    use futures_util::stream;
    use serde::Deserialize;

    const MAX_BODY: usize = 64 << 10;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Lane {
        rate: u32,
    }

    async fn set(Json(lane): Json<Lane>) -> String {
        lane.rate.to_string()
    }

    /// Puts a body on a route of a mounted part: the status, and the answer.
    async fn answer(kind: Option<&str>, body: Body) -> (u16, String) {
        let guard = Arc::new(OpenGuard);
        let mount = Mount::new("/lane", guard, Router::new().route("/lane", put(set)));
        let mut request = Request::builder()
            .method(Method::PUT)
            .uri("http://localhost/lane");
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let request = request.extension(Peer::Unix).body(body).expect("request");
        let response = mount.answer(request).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("body");
        (status, String::from_utf8(body.into()).expect("text"))
    }

    #[tokio::test]
    async fn a_body_is_read_or_refused_with_what_is_wrong_and_where() {
        let json = Some("application/json");
        for (kind, body, want, said) in [
            (json, "{\"rate\":7}", 200, "7"),
            (
                Some("Application/JSON; charset=utf-8"),
                " {\"rate\": 7 }\n",
                200,
                "7",
            ),
            (None, "{\"rate\":7}", 415, "application/json"),
            (Some("text/plain"), "{\"rate\":7}", 415, "application/json"),
            (Some("application/jsonx"), "{\"rate\":7}", 415, "application/json"),
            (json, "", 400, "line 1 column 0"),
            (json, "{\n\"rate\": x}", 400, "line 2 column 9"),
            (json, "{\"rate\":7} 8", 400, "line 1 column 12"),
            (
                json,
                "{\"rat\":7}",
                400,
                "unknown field `rat`, expected `rate` at line 1 column 6",
            ),
            (json, "{\"rate\":7,\"rate\":8}", 400, "duplicate field `rate`"),
            (json, "{}", 400, "missing field `rate`"),
            (json, "{\"rate\":-1}", 400, "line 1 column 10"),
            (json, "{\"rate\":\"7\"}", 400, "line 1 column 11"),
            (json, "[[[[", 400, "invalid type: sequence"),
        ] {
            let (status, text) = answer(kind, Body::from(body.to_owned())).await;
            assert_eq!(status, want, "{body}: {text}");
            assert!(text.contains(said), "{body}: no {said:?} in {text}");
        }
    }

    #[tokio::test]
    async fn a_body_is_bounded_whether_or_not_it_says_its_length() {
        let json = Some("application/json");
        let body = |len: usize| " ".repeat(len - 10) + "{\"rate\":7}";
        let unannounced = |text: String| {
            let pieces: Vec<_> = text.as_bytes().chunks(1000).map(<[u8]>::to_vec).collect();
            Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
        };
        for (len, want) in [(MAX_BODY, 200), (MAX_BODY + 1, 413)] {
            assert_eq!(answer(json, body(len).into()).await.0, want, "{len}");
            assert_eq!(answer(json, unannounced(body(len))).await.0, want, "{len}");
        }
        let broken = stream::iter([Ok("{"), Err("gone")]);
        let (status, text) = answer(json, Body::from_stream(broken)).await;
        assert!(
            status == 400 && text.contains("broke off: gone"),
            "{status} {text}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(answer(Some("application/json"), never).await.0, 408);
    }
}
