//! Responses to GOPROXY requests.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};

use stoa_proxy::{Content, Held};

use crate::{
    Body,
    conditional::{Part, part},
    heads::{Heads, NO_STORE, PLAIN},
    inert::make_inert,
    read_ahead::ReadAhead,
    request_id::REQUEST_ID,
    status::ErrorReply,
    subject::Subject,
};

/// The job that brings in what is not here yet.
const JOB: HeaderName = HeaderName::from_static("stoa-job");

/// The part of a request that shapes the head of its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a HeaderValue,
}

/// Answers with `content`, whose entity tag (with quotes) is `etag` if it is known. What is held is dropped when a streamed body ends.
pub(crate) fn respond(
    request: RequestHead<'_>,
    subject: &Subject,
    (content, held): (Content, Held),
    etag: Option<&HeaderValue>,
    (heads, ahead): (&Heads, &Arc<ReadAhead>),
) -> Response<Body> {
    let len = content.bytes();
    let part = match (etag.and_then(|tag| tag.to_str().ok()), len) {
        (Some(etag), Some(len)) if !matches!(content, Content::Growing(..)) => {
            part(request.method, request.headers, etag, len)
        }
        _ => Part::Whole,
    };
    let mut headers = heads.whole(subject);
    headers.insert(REQUEST_ID, request.request_id.clone());
    match etag {
        Some(etag) => headers.insert(ETAG, etag.clone()),
        None => headers.remove(ETAG),
    };
    let (status, body_len) = match part {
        Part::NotModified => (StatusCode::NOT_MODIFIED, None),
        Part::Unsatisfiable => {
            headers.insert(CONTENT_RANGE, header(format!("bytes */{}", len.unwrap_or(0))));
            // It is an error, and no other client's.
            headers.insert(CACHE_CONTROL, NO_STORE);
            headers.remove(ETAG);
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
    if !has_content {
        headers.remove(CONTENT_TYPE);
        headers.remove(ACCEPT_RANGES);
    }
    let body = if *request.method == Method::HEAD || !has_content {
        Body::empty()
    } else {
        cut((content, held), part, ahead)
    };
    // The connection knows the length of what is in memory and says it itself, for less.
    if let Some(len) = body_len.filter(|_| body.in_memory().is_none_or(|len| len == 0)) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
    }
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
    let mut headers = HeaderMap::with_capacity(10);
    make_inert(&mut headers);
    headers.insert(REQUEST_ID, request.request_id.clone());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(CONTENT_TYPE, PLAIN);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(error.body.len()));
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(job) = error.job {
        headers.insert(JOB, *job);
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
