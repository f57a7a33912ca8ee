//! GET requests, through the dispatcher.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header::AUTHORIZATION};
use http_body::Body as _;
use stoa_dispatch::{DispatchError, Pool, PublicOnly, RequestBody, Response, Task, Throttled};
use tokio::time::Instant;
use url::Url;

use super::{
    Access, Alias, Authorization, BodyEnd, Get, OutboundRules, Page, PageRequest, Part, Trust, Validator,
    answer::{Coding, check_framing, content_type, failure, pieces},
    gunzip::unpacked,
    redirect::{RedirectError, next_hop},
    start::{Start, is_same_site},
};
use crate::{Body, FetchError, Fetched, Limits, Passed, Reply, ServicesSlot, SourceName};

/// The go command gives up after as many hops.
const MAX_REDIRECTS: usize = 10;

/// Sends GET requests through the lanes of a [`Pool`], follows redirects, bounds bodies. It asks for no content coding, and unpacks
/// gzip if it comes all the same: limits are about what is unpacked.
///
/// Deadlines, queues, rates, breakers and retries are the pool's; each hop of a redirect takes the lane of its own host.
///
/// What lets a request in is sent with it from the first: a server that hides what is private says 404 to strangers, not
/// 401. It is sent for what is [named](Trust::Named) only, goes to the origin (scheme, host and port) that was asked first,
/// and once a redirect has left it, nowhere.
///
/// A redirect is a stranger's idea, even if a server sends it that is trusted: elsewhere it finds public addresses only,
/// unless the module is named.
#[derive(Clone, Debug)]
pub struct HttpClient {
    pool: Pool,
    total: Duration,
    limits: Limits,
    rules: Arc<OutboundRules>,
    services: ServicesSlot,
}

/// Where they end.
struct Arrived {
    url: Url,
    response: Response,
    /// Something was presented there.
    authorized: bool,
    /// On the way, trust was lost.
    strayed: bool,
}

impl HttpClient {
    /// A client that sends through `pool`. A transfer with all its redirects may take `total`.
    pub fn new(pool: Pool, total: Duration, limits: Limits) -> Self {
        Self {
            pool,
            total,
            limits,
            rules: Arc::default(),
            services: ServicesSlot::default(),
        }
    }

    /// The same client, whose lists may name these services.
    #[must_use]
    pub fn with_services(self, services: ServicesSlot) -> Self {
        Self { services, ..self }
    }

    /// The services that lists may name.
    pub fn services(&self) -> &ServicesSlot {
        &self.services
    }

    /// The same client, which holds URLs to these rules.
    #[must_use]
    pub fn with_rules(self, rules: Arc<OutboundRules>) -> Self {
        Self { rules, ..self }
    }

    /// What it sends through.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What URLs are held to.
    pub fn rules(&self) -> &OutboundRules {
        &self.rules
    }

    /// The bounds on bodies.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long a transfer may take, all in all.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// Sends the request and waits for the head of the answer. Only 200 is success, as for the go command; where a part
    /// was asked for, 206 too. `None` where a part was asked for, and another one was sent, or nothing.
    pub(crate) async fn get(&self, get: Get<'_>) -> Result<Option<(Fetched, Option<Validator>)>, FetchError> {
        let source_name = get.source_name;
        let (limit, end, part) = (get.limit, get.end, get.part);
        let start = Start::of_get(get, &self.rules)?;
        let alias = start.alias.clone();
        let arrived = self.follow(start).await;
        let response = arrived.map_err(|error| error.shown_by(alias.as_ref()))?.response;
        let (head, body) = response.into_parts();
        let len = body.size_hint().exact();
        let mut start = 0;
        if let Some(part) = part
            && matches!(
                head.status,
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
            )
        {
            let announced = part.announced(head.status, &head.headers);
            // A part of what is packed is no part of what it unpacks to.
            let is_plain =
                Coding::of(&head.headers, source_name).is_ok_and(|coding| coding == Coding::Identity);
            if !is_plain || announced.is_none() || len.is_some() && len != announced {
                return Ok(None);
            }
            start = part.from;
        }
        let pieces = pieces(body, source_name.clone(), alias, self.total);
        if start == 0 && head.status != StatusCode::OK {
            let throttled = head.extensions.get::<Throttled>().copied();
            // Error texts are cut, not refused: the length announced is not held against the answer.
            let pieces = match Coding::of(&head.headers, source_name) {
                Ok(Coding::Gzip) => unpacked(pieces, source_name.clone()),
                _ => pieces,
            };
            let body = Fetched::new(source_name.clone(), None, u64::MAX, pieces)?.body;
            let reply = self.error_reply(head.status, &head.headers, body).await;
            return Err(failure(source_name, reply, throttled));
        }
        let coding = Coding::of(&head.headers, source_name)?;
        if end == BodyEnd::Framed && len.is_none() {
            check_framing(&head, source_name)?;
        }
        if coding == Coding::Gzip {
            let packed = Fetched::new(source_name.clone(), len, Coding::packed_limit(limit), pieces)?.body;
            let pieces = unpacked(packed.into_pieces(), source_name.clone());
            let fetched = Fetched::new(source_name.clone(), None, limit, pieces)?;
            // Its tag stands for what is packed, of which no part is asked for.
            return Ok(Some((fetched, None)));
        }
        let mut fetched = Fetched::new(source_name.clone(), len, limit, pieces)?;
        fetched.start = start;
        Ok(Some((fetched, Validator::of(&head.headers))))
    }

    /// The answer to a request, whatever its status, and its body up to `limit` bytes; an answer that we are not let in
    /// with what we presented is a failure. Redirects are followed as by [`get`](Self::get), but what a page says may
    /// open more than bytes: where it leads keeps the trust only if the configuration names modules there. Also whether the
    /// answer itself tells where it ends, rather than the connection.
    pub(crate) async fn page(
        &self,
        request: PageRequest<'_>,
        limit: usize,
    ) -> Result<(Page, bool), FetchError> {
        let alias = Alias::new(request.named, request.asked);
        let page = self.page_shown(request, alias.clone(), limit).await;
        page.map_err(|error| error.shown_by(alias.as_ref()))
    }

    async fn page_shown(
        &self,
        request: PageRequest<'_>,
        alias: Option<Alias>,
        limit: usize,
    ) -> Result<(Page, bool), FetchError> {
        let (url, trust, began) = (request.asked, request.trust, Instant::now());
        let asked = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let source_name = &SourceName::new(request.named.host_str().unwrap_or_default());
        let start = Start::of_page(&request, alias.clone(), source_name)?;
        let arrived = self.follow(start).await?;
        let (url, authorized, strayed) = (arrived.url, arrived.authorized, arrived.strayed);
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
        let coding = Coding::of(&head.headers, source_name)?;
        let is_framed = body.size_hint().exact().is_some() || check_framing(&head, source_name).is_ok();
        let mut pieces = pieces(body, source_name.clone(), alias, self.total);
        if coding == Coding::Gzip {
            let packed = Coding::packed_limit(limit as u64);
            let packed = Fetched::new(source_name.clone(), None, packed, pieces)?.body;
            pieces = unpacked(packed.into_pieces(), source_name.clone());
        }
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
            %trust,
            strayed,
            elapsed = ?began.elapsed(),
            "read a page"
        );
        let page = Page {
            url,
            status: head.status.as_u16(),
            content_type: content_type(&head.headers),
            body: body.freeze(),
            truncated,
            strayed,
        };
        Ok((page, is_framed))
    }

    /// The first answer that is no redirect, and where it was found.
    async fn follow(&self, start: Start<'_>) -> Result<Arrived, FetchError> {
        let (first, context, source_name) = (start.url.clone(), start.context, start.source_name);
        let (mut url, mut access, mut trust) = (first.clone(), start.access, start.trust);
        let (began, mut hops) = (Instant::now(), 0);
        let (mut is_at_home, mut strayed) = (true, false);
        loop {
            let shown = match start.authorization {
                _ if !is_at_home => None,
                Some(written) => Some(written.clone()),
                None => self.authorization(&url, trust).await,
            };
            let authorized = shown.is_some();
            let mut task = task(&url, access, (shown, context.passed.header()), start.part)
                .map_err(|error| error.into_error(source_name))?;
            task = task
                .urgency(context.urgency.clone())
                .share(context.share.clone())
                .again(context.again);
            if start.is_probe {
                task = task.retryable(false);
            }
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
                    strayed,
                });
            };
            if next.origin() != url.origin() {
                is_at_home = false;
                if !is_same_site(&first, &next) {
                    let kept = start.beyond(trust, &next, &self.rules.modules);
                    strayed |= kept != Trust::Named;
                    trust = kept;
                }
                access = start.admit_next(trust, &next)?;
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
        let advice = self.rules.guards.of(Trust::Stranger).advice();
        FetchError::of_dispatch(source_name, self.total, &advice, error)
    }

    /// What is configured for a URL, if that may be used.
    async fn authorization(&self, url: &Url, trust: Trust) -> Option<Authorization> {
        let credentials = self.rules.credentials_for(trust)?;
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

fn task(
    url: &Url,
    access: Access,
    (shown, passed): (Option<Authorization>, Option<HeaderValue>),
    part: Option<Part<'_>>,
) -> Result<Task, RedirectError> {
    let mut request = http::Request::new(RequestBody::empty());
    *request.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|error| RedirectError::new(format!("the URL cannot be asked for: {error}")))?;
    if let Some(passed) = passed {
        request.headers_mut().insert(Passed::HEADER, passed);
    }
    for (name, value) in part.and_then(Part::headers).into_iter().flatten() {
        request.headers_mut().insert(name, value);
    }
    if let Some(shown) = shown {
        request.headers_mut().insert(AUTHORIZATION, shown.header());
    }
    if access == Access::PublicOnly {
        request.extensions_mut().insert(PublicOnly);
    }
    Task::ready(request).map_err(|error| RedirectError::new(error.to_string()))
}
