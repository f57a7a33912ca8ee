//! GET requests, through the dispatcher.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use http_body::Body as _;
use stoa_dispatch::{DispatchError, Pool, PublicOnly, RequestBody, Response, Task, Throttled};
use tokio::time::Instant;
use url::Url;

use super::{
    Access, Authorization, OutboundRules, Page, UrlGuard,
    answer::{check_coding, check_framing, content_type, failure, pieces},
    redirect::{RedirectError, next_hop},
};
use crate::{Body, Context, FetchError, Fetched, Limits, Reply, SourceName};

/// The go command gives up after as many hops.
const MAX_REDIRECTS: usize = 10;

/// Sends GET requests through the lanes of a [`Pool`], follows redirects, bounds bodies, asks for no content coding.
///
/// Deadlines, queues, rates, breakers and retries are the pool's; each hop of a redirect takes the lane of its own host.
///
/// What lets a request in is sent with it from the first: a server that hides what is private says 404 to strangers, not
/// 401. It goes to the origin (scheme, host and port) that was asked first, and once a redirect has left it, nowhere.
#[derive(Clone, Debug)]
pub struct HttpClient {
    pool: Pool,
    total: Duration,
    limits: Limits,
    rules: Arc<OutboundRules>,
}

/// One request: where to, for whom, how much.
#[derive(Debug)]
pub(crate) struct Get<'a> {
    pub(crate) context: &'a Context,
    pub(crate) url: Url,
    /// The user part of a URL of the configuration; without one, the rules are asked.
    pub(crate) authorization: Option<&'a Authorization>,
    pub(crate) source_name: &'a SourceName,
    pub(crate) limit: u64,
    /// Whether an answer is taken whose end only the end of the connection shows.
    pub(crate) end: BodyEnd,
    /// The URL is from a page, not from the configuration: the guard has a say, and it has been rewritten already.
    pub(crate) discovered: bool,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// By its length, or by the frames of the protocol. Of other bodies nobody can tell a part from the whole.
    Framed,
    /// In any way: what is read is recognised as whole by other means.
    Any,
}

/// Where the hops of one request begin.
struct Start<'a> {
    context: &'a Context,
    url: Url,
    access: Access,
    authorization: Option<&'a Authorization>,
    source_name: &'a SourceName,
    guard: &'a UrlGuard,
}

/// Where they end.
struct Arrived {
    url: Url,
    response: Response,
    /// Something was presented there.
    authorized: bool,
}

impl HttpClient {
    /// A client that sends through `pool`. A transfer with all its redirects may take `total`.
    pub fn new(pool: Pool, total: Duration, limits: Limits) -> Self {
        Self {
            pool,
            total,
            limits,
            rules: Arc::default(),
        }
    }

    /// The same client, which holds URLs to these rules.
    #[must_use]
    pub fn with_rules(self, rules: Arc<OutboundRules>) -> Self {
        Self { rules, ..self }
    }

    /// What URLs are held to.
    pub fn rules(&self) -> &OutboundRules {
        &self.rules
    }

    /// The bounds on bodies.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends the request and waits for the head of the answer. Only 200 is success, as for the go command.
    pub(crate) async fn get(&self, get: Get<'_>) -> Result<Fetched, FetchError> {
        let source_name = get.source_name;
        let (limit, end) = (get.limit, get.end);
        let response = self.follow(self.start(get)?).await?.response;
        let (head, body) = response.into_parts();
        let len = body.size_hint().exact();
        let pieces = pieces(body, source_name.clone(), self.total);
        if head.status != StatusCode::OK {
            let throttled = head.extensions.get::<Throttled>().copied();
            // Error texts are cut, not refused: the length announced is not held against the answer.
            let body = Fetched::new(source_name.clone(), None, u64::MAX, pieces)?.body;
            let reply = self.error_reply(head.status, &head.headers, body).await;
            return Err(failure(source_name, reply, throttled));
        }
        check_coding(&head.headers, source_name)?;
        if end == BodyEnd::Framed && len.is_none() {
            check_framing(&head, source_name)?;
        }
        Fetched::new(source_name.clone(), len, limit, pieces)
    }

    fn start<'a>(&'a self, get: Get<'a>) -> Result<Start<'a>, FetchError> {
        let guard = &self.rules.guard;
        let mut start = Start {
            context: get.context,
            url: get.url,
            access: Access::Anywhere,
            authorization: get.authorization,
            source_name: get.source_name,
            guard,
        };
        if get.discovered {
            start.access = admit(guard, &start.url, "asked for")?;
            return Ok(start);
        }
        let url = self.rules.rewrites.page(start.url.clone());
        if url.origin() != start.url.origin() {
            // It is for the server that it was written with.
            start.authorization = None;
        }
        start.url = url;
        Ok(start)
    }

    /// The answer to a request, whatever its status, and its body up to `limit` bytes; an answer that we are not let in
    /// with what we presented is a failure. Redirects are followed as by [`get`](Self::get).
    pub(crate) async fn page(
        &self,
        url: Url,
        source_name: &SourceName,
        limit: usize,
        guard: &UrlGuard,
        context: &Context,
    ) -> Result<Page, FetchError> {
        let (asked, began) = (
            format!("{}{}", url.origin().ascii_serialization(), url.path()),
            Instant::now(),
        );
        let start = Start {
            context,
            access: admit(guard, &url, "asked for")?,
            url,
            authorization: None,
            source_name,
            guard,
        };
        let arrived = self.follow(start).await?;
        let (url, authorized) = (arrived.url, arrived.authorized);
        let (head, body) = arrived.response.into_parts();
        if authorized && matches!(head.status.as_u16(), 401 | 403) {
            let reply = Reply {
                status: head.status.as_u16(),
                content_type: None,
                body: Bytes::from_static(b"the credential that is configured for it was refused"),
            };
            let source_name = source_name.clone();
            return Err(FetchError::Status { source_name, reply });
        }
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
        tracing::debug!(
            asked,
            host = url.host_str(),
            status = head.status.as_u16(),
            bytes = body.len(),
            elapsed = ?began.elapsed(),
            "read a page"
        );
        Ok(Page {
            url,
            status: head.status.as_u16(),
            content_type: content_type(&head.headers),
            body: body.freeze(),
            truncated,
        })
    }

    /// The first answer that is no redirect, and where it was found.
    async fn follow(&self, start: Start<'_>) -> Result<Arrived, FetchError> {
        let Start {
            context,
            mut url,
            mut access,
            authorization,
            source_name,
            guard,
        } = start;
        let (began, mut hops, mut is_at_home) = (Instant::now(), 0, true);
        loop {
            let shown = match authorization {
                _ if !is_at_home => None,
                Some(written) => Some(written.clone()),
                None => self.authorization(&url).await,
            };
            let authorized = shown.is_some();
            let mut task = task(&url, access, shown).map_err(|error| error.into_error(source_name))?;
            task = task.urgency(context.urgency.clone()).share(context.share.clone());
            if hops > 0 || context.deadline.is_some() {
                // All hops together have the time of one transfer, and none has more than the caller has.
                let left = self.total.saturating_sub(began.elapsed());
                let wait = context
                    .deadline
                    .map(|deadline| deadline.saturating_duration_since(Instant::now()));
                task = task.within(wait.map_or(left, |wait| wait.min(left)));
            }
            let sent = self.pool.call(task).await;
            let response = sent.map_err(|error| self.failed(source_name, error))?;
            let next = next_hop(&url, response.status(), response.headers());
            let Some(next) = next.map_err(|error| error.into_error(source_name))? else {
                return Ok(Arrived {
                    url,
                    response,
                    authorized,
                });
            };
            if next.origin() != url.origin() {
                access = admit(guard, &next, "redirected to")?;
                is_at_home = false;
            }
            if hops == MAX_REDIRECTS {
                return Err(RedirectError::too_many().into_error(source_name));
            }
            hops += 1;
            response.into_body().drain().await;
            url = next;
        }
    }

    fn failed(&self, source_name: &SourceName, error: DispatchError) -> FetchError {
        let advice = self.rules.guard.advice();
        FetchError::of_dispatch(source_name, self.total, &advice, error)
    }

    /// What is configured for a URL.
    async fn authorization(&self, url: &Url) -> Option<Authorization> {
        let credentials = self.rules.credentials.as_ref()?;
        Authorization::of(&credentials.for_url(url.as_str()).await?)
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
            body: text.into_boxed_slice().into(),
        }
    }
}

fn admit(guard: &UrlGuard, url: &Url, what: &str) -> Result<Access, FetchError> {
    guard.admit(url).map_err(|error| FetchError::Refused {
        reason: format!("{what} {url}: {error}"),
    })
}

fn task(url: &Url, access: Access, shown: Option<Authorization>) -> Result<Task, RedirectError> {
    let mut request = http::Request::new(RequestBody::empty());
    *request.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|error| RedirectError::new(format!("the URL cannot be asked for: {error}")))?;
    if let Some(shown) = shown {
        request.headers_mut().insert(AUTHORIZATION, shown.header());
    }
    if access == Access::PublicOnly {
        request.extensions_mut().insert(PublicOnly);
    }
    Task::ready(request).map_err(|error| RedirectError::new(error.to_string()))
}
