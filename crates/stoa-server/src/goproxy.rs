//! Responses to GOPROXY requests.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};

use stoa_module::Resource;
use stoa_proxy::{Content, Held};

use crate::{
    Body,
    conditional::{Part, part},
    inert::{INERT, make_inert},
    read_ahead::ReadAhead,
    request_id::REQUEST_ID,
    status::ErrorReply,
    subject::Subject,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const ZIP: HeaderValue = HeaderValue::from_static("application/zip");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The part of a request that shapes the head of its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a HeaderValue,
}

/// Makes `Cache-Control` values: versions never change, the rest is short-lived.
#[derive(Clone, Debug)]
pub(crate) struct CachePolicy {
    mutable: HeaderValue,
}

impl CachePolicy {
    /// What may change is fresh for `list_ttl`.
    pub(crate) fn new(list_ttl: Duration) -> Self {
        let text = format!("public, max-age={}", list_ttl.as_secs());
        Self {
            mutable: HeaderValue::try_from(text).unwrap_or(NO_STORE),
        }
    }

    fn of(&self, subject: &Subject) -> HeaderValue {
        if subject.is_mutable() {
            self.mutable.clone()
        } else {
            IMMUTABLE
        }
    }
}

fn content_type(subject: &Subject) -> HeaderValue {
    match subject {
        Subject::Module(Resource::Latest(_) | Resource::Query(..) | Resource::Info(_)) => JSON,
        Subject::Module(Resource::Zip(_)) => ZIP,
        Subject::Sum(question) => HeaderValue::from_static(question.request().content_type()),
        Subject::Unknown | Subject::Mount(_) | Subject::Module(Resource::List(_) | Resource::Mod(_)) => PLAIN,
    }
}

/// Answers with `content`, whose entity tag (with quotes) is `etag` if it is known. What is held is dropped when a streamed body ends.
pub(crate) fn respond(
    request: RequestHead<'_>,
    subject: &Subject,
    (content, held): (Content, Held),
    etag: Option<&HeaderValue>,
    (policy, ahead): (&CachePolicy, &Arc<ReadAhead>),
) -> Response<Body> {
    let len = content.bytes();
    let part = match (etag.and_then(|tag| tag.to_str().ok()), len) {
        (Some(etag), Some(len)) if !matches!(content, Content::Growing(..)) => {
            part(request.method, request.headers, etag, len)
        }
        _ => Part::Whole,
    };
    let mut headers = HeaderMap::with_capacity(8 + INERT);
    make_inert(&mut headers);
    headers.insert(REQUEST_ID, request.request_id.clone());
    headers.insert(CACHE_CONTROL, policy.of(subject));
    if let Some(etag) = etag {
        headers.insert(ETAG, etag.clone());
    }
    let (status, body_len) = match part {
        Part::NotModified => (StatusCode::NOT_MODIFIED, None),
        Part::Unsatisfiable => {
            headers.insert(CONTENT_RANGE, header(format!("bytes */{}", len.unwrap_or(0))));
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(0))
        }
        Part::Whole => (StatusCode::OK, len),
        Part::Range { start, end } => {
            let range = format!("bytes {start}-{}/{}", end - 1, len.unwrap_or(0));
            headers.insert(CONTENT_RANGE, header(range));
            (StatusCode::PARTIAL_CONTENT, Some(end - start))
        }
    };
    let has_content = matches!(part, Part::Whole | Part::Range { .. });
    if has_content {
        headers.insert(CONTENT_TYPE, content_type(subject));
        if matches!(subject, Subject::Module(Resource::Zip(_))) {
            headers.insert(ACCEPT_RANGES, BYTES);
        }
    }
    if let Some(len) = body_len {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
    }
    let body = if *request.method == Method::HEAD || !has_content {
        Body::empty()
    } else {
        cut((content, held), part, ahead)
    };
    response(status, headers, body)
}

/// The body of the part that is request.
fn cut((content, held): (Content, Held), part: Part, ahead: &Arc<ReadAhead>) -> Body {
    match (content, part) {
        (Content::Bytes(bytes), Part::Range { start, end }) => {
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            Body::full(bytes.slice(index(start)..index(end)))
        }
        (Content::Bytes(bytes), _) => Body::full(bytes),
        (Content::Stored(blob), Part::Range { start, end }) => Body::blob(blob, start, end - start, ahead),
        (Content::Stored(blob), _) => {
            let len = blob.len();
            Body::blob(blob, 0, len, ahead)
        }
        (Content::Growing(growing), _) => Body::growing(&growing, held, ahead),
    }
}

/// Answers with an error.
pub(crate) fn refuse(request: RequestHead<'_>, error: ErrorReply) -> Response<Body> {
    let mut headers = HeaderMap::with_capacity(6 + INERT);
    make_inert(&mut headers);
    headers.insert(REQUEST_ID, request.request_id.clone());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(CONTENT_TYPE, PLAIN);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(error.body.len()));
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(challenge) = error.challenge {
        headers.insert(WWW_AUTHENTICATE, *challenge);
    }
    let body = if *request.method == Method::HEAD {
        Body::empty()
    } else {
        Body::full(error.body)
    };
    response(error.status, headers, body)
}

pub(crate) fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Digits and spaces always make a header value.
fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
