//! GET requests, through the dispatcher.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body::Body as _;
use stoa_dispatch::{Pool, RequestBody, Response, ResponseBody, Task};
use tokio::time::Instant;
use url::Url;

use crate::{
    Body, FetchError, Fetched, Limits, NotFound, Reply, SourceName,
    body::Pieces,
    discovery::Page,
    redirect::{BadRedirect, next_hop},
};

/// The go command gives up after as many hops.
const MAX_REDIRECTS: usize = 10;

/// Sends GET requests through the lanes of a [`Pool`], follows redirects, bounds bodies, asks for no content coding.
///
/// Deadlines, queues, rates, breakers and repeats are the pool's; each hop of a redirect takes the lane of its own host.
#[derive(Clone, Debug)]
pub struct HttpClient {
    pool: Pool,
    total: Duration,
    limits: Limits,
}

/// One request: where to, for whom, how much.
#[derive(Debug)]
pub(crate) struct Get<'a> {
    pub(crate) url: Url,
    /// Sent as basic authentication; never to another host after a redirect.
    pub(crate) credentials: Option<&'a Credentials>,
    pub(crate) source_name: &'a SourceName,
    pub(crate) limit: u64,
}

/// Whether a redirect may lead to a URL.
pub(crate) type Allowed<'a> = &'a (dyn Fn(&Url) -> Result<(), FetchError> + Sync);

/// A user name and password from the user part of an upstream's URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials(HeaderValue);

impl Credentials {
    pub(crate) fn basic(user: &str, password: &str) -> Option<Self> {
        let token = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let mut value = HeaderValue::try_from(format!("Basic {token}")).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

impl HttpClient {
    /// A client that sends through `pool`. A transfer with all its redirects may take `total`.
    pub fn new(pool: Pool, total: Duration, limits: Limits) -> Self {
        Self { pool, total, limits }
    }

    /// The bounds on bodies.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends the request and waits for the head of the answer. Only 200 is success, as for the go command.
    pub(crate) async fn get(&self, get: Get<'_>) -> Result<Fetched, FetchError> {
        let source_name = get.source_name;
        let limit = get.limit;
        let any = |_: &Url| Ok(());
        let (_, response) = self.follow(get.url, get.credentials, source_name, &any).await?;
        let (head, body) = response.into_parts();
        let len = body.size_hint().exact();
        let pieces = pieces(body, source_name.clone(), self.total);
        if head.status != StatusCode::OK {
            // Error texts are cut, not refused: the length announced is not held against the answer.
            let body = Fetched::new(source_name.clone(), None, u64::MAX, pieces)?.body;
            let reply = self.error_reply(head.status, &head.headers, body).await;
            return Err(failure(source_name, reply));
        }
        check_coding(&head.headers, source_name)?;
        Fetched::new(source_name.clone(), len, limit, pieces)
    }

    /// The answer to a request without credentials, whatever its status, and its body up to `limit` bytes. Redirects are
    /// followed as by [`get`](Self::get), where `allowed` lets them lead; `url` itself is not put to it.
    pub(crate) async fn page(
        &self,
        url: Url,
        source_name: &SourceName,
        limit: usize,
        allowed: Allowed<'_>,
    ) -> Result<Page, FetchError> {
        let (url, response) = self.follow(url, None, source_name, allowed).await?;
        let (head, body) = response.into_parts();
        check_coding(&head.headers, source_name)?;
        let mut pieces = pieces(body, source_name.clone(), self.total);
        let mut body = BytesMut::new();
        let mut truncated = false;
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let room = limit - body.len();
            truncated = piece.len() > room;
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if truncated {
                break;
            }
        }
        Ok(Page {
            url,
            status: head.status.as_u16(),
            content_type: content_type(&head.headers),
            body: body.freeze(),
            truncated,
        })
    }

    /// The first answer that is no redirect, and where it was found. Credentials go to the server they were given for,
    /// and once a redirect has left it, nowhere any more.
    async fn follow(
        &self,
        mut url: Url,
        mut credentials: Option<&Credentials>,
        source_name: &SourceName,
        allowed: Allowed<'_>,
    ) -> Result<(Url, Response), FetchError> {
        let began = Instant::now();
        let mut hops = 0;
        loop {
            let mut task = task(&url, credentials).map_err(|bad| bad.into_error(source_name))?;
            if hops > 0 {
                // All hops together have the time of one transfer.
                task = task.within(self.total.saturating_sub(began.elapsed()));
            }
            let sent = self.pool.call(task).await;
            let response = sent.map_err(|error| FetchError::dispatch(source_name, self.total, error))?;
            let next = next_hop(&url, response.status(), response.headers());
            let Some(next) = next.map_err(|bad| bad.into_error(source_name))? else {
                return Ok((url, response));
            };
            allowed(&next)?;
            if hops == MAX_REDIRECTS {
                return Err(BadRedirect::too_many().into_error(source_name));
            }
            hops += 1;
            if next.origin() != url.origin() {
                credentials = None;
            }
            response.into_body().drain().await;
            url = next;
        }
    }

    /// Reads what fits of an error's text. A failure on the way loses the text, not the status.
    async fn error_reply(&self, status: StatusCode, headers: &HeaderMap, mut body: Body) -> Reply {
        let mut text = Vec::new();
        while text.len() < self.limits.error_text {
            let Some(Ok(piece)) = body.next().await else { break };
            let room = self.limits.error_text - text.len();
            text.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Reply {
            status: status.as_u16(),
            content_type: content_type(headers),
            body: Bytes::from(text),
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    value.to_str().ok().map(str::to_owned)
}

/// No coding is asked for, so there must be none.
fn check_coding(headers: &HeaderMap, source_name: &SourceName) -> Result<(), FetchError> {
    let coding = headers
        .get(CONTENT_ENCODING)
        .filter(|c| !c.as_bytes().eq_ignore_ascii_case(b"identity"));
    coding.map_or(Ok(()), |coding| {
        let reason = format!("content coding {coding:?} was not asked for");
        Err(FetchError::invalid(source_name, reason))
    })
}

fn task(url: &Url, credentials: Option<&Credentials>) -> Result<Task, BadRedirect> {
    let mut request = http::Request::new(RequestBody::empty());
    *request.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|error| BadRedirect::new(format!("the URL cannot be asked for: {error}")))?;
    if let Some(credentials) = credentials {
        request.headers_mut().insert(AUTHORIZATION, credentials.0.clone());
    }
    Task::ready(request).map_err(|error| BadRedirect::new(error.to_string()))
}

/// What arrives, with the dispatcher's errors in this crate's words.
fn pieces(body: ResponseBody, source_name: SourceName, total: Duration) -> Pieces {
    let next = move |(mut body, source_name): (ResponseBody, SourceName)| async move {
        let piece = body.chunk().await?;
        let piece = piece.map_err(|error| FetchError::dispatch(&source_name, total, error));
        Some((piece, (body, source_name)))
    };
    stream::unfold((body, source_name), next).boxed()
}

/// 404 and 410 say that there is no such thing; every other status says that the source could not tell.
fn failure(source_name: &SourceName, reply: Reply) -> FetchError {
    match reply.status {
        404 | 410 => FetchError::NotFound(NotFound {
            reason: reply
                .text()
                .map_or_else(|| format!("{source_name} does not have it"), first_line),
            gone: reply.status == 410,
            reply: Some(reply),
        }),
        _ => FetchError::Status {
            source_name: source_name.clone(),
            reply,
        },
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
