//! How downloads and callbacks of jobs leave the process.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use http::{Method as HttpMethod, StatusCode, header};
use stoa_dispatch::{
    Class, DispatchError, Pool, PublicOnly, RequestBody, Task, TransportErrorKind, Via, ViaError,
};
use stoa_jobs::download::{Body, Method, Request, Response, Transport, TransportError, TransportFault};
use tokio::time::timeout;
use url::Url;

/// How many redirects are followed.
const REDIRECTS: usize = 10;
/// How long a transfer may last: the job has a limit of its own if it is to be shorter.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// When a host is asked again whose lane does not say.
const SOON: Duration = Duration::from_secs(30);

/// Sends what jobs send through the lanes of the dispatcher, in the background class. What somebody else has named, a URL or a
/// callback, reaches no private address unless the operator allows it: each connection is judged where its name is resolved.
#[derive(Debug)]
pub(super) struct JobTransport {
    pool: Pool,
    allow_private: bool,
}

impl JobTransport {
    pub(super) fn new(pool: Pool, allow_private: bool) -> Self {
        Self { pool, allow_private }
    }

    /// One exchange, without redirects.
    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
    ) -> Result<stoa_dispatch::Response, TransportError> {
        let refused =
            |why: &str| TransportError::new(TransportFault::Refused, format!("{}: {why}", shown(url)));
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only http and https are asked"));
        }
        let (method, body) = match &request.method {
            Method::Get => (HttpMethod::GET, RequestBody::empty()),
            Method::Post(body) => (HttpMethod::POST, RequestBody::from(body.clone())),
        };
        let mut sent = http::Request::new(body);
        *sent.method_mut() = method;
        *sent.uri_mut() = url
            .as_str()
            .parse()
            .map_err(|_no_uri| refused("it is no URL that can be asked"))?;
        *sent.headers_mut() = request.headers_for(url);
        if let Some(proxy) = &request.proxy {
            let via: Via = proxy
                .as_str()
                .parse()
                .map_err(|error: ViaError| refused(&error.to_string()))?;
            sent.extensions_mut().insert(via);
        }
        if !self.allow_private {
            sent.extensions_mut().insert(PublicOnly);
        }
        let task = Task::ready(sent).map_err(|error| refused(&error.to_string()))?;
        let wait = self
            .pool
            .lane(task.lane())
            .map_or(Duration::ZERO, |lane| lane.settings.wait);
        let task = task.retryable(false).within(LONGEST).urgency(Class::Background);
        let call = self.pool.call(task);
        let answer = match request.response_timeout {
            // Time in the queue of the lane does not count, and is bounded there.
            Some(limit) => timeout(limit + wait, call).await.map_err(|_late| {
                TransportError::new(
                    TransportFault::Timeout,
                    format!("{} did not answer within {limit:?}", shown(url)),
                )
            })?,
            None => call.await,
        };
        answer.map_err(|error| failure(&error))
    }
}

/// A URL without what may be secret in it.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

/// Where a response leads, if it is a redirect that is followed.
fn location(request: &Request, url: &Url, response: &stoa_dispatch::Response) -> Option<Url> {
    let follows = matches!(
        (&request.method, response.status()),
        (_, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
            | (
                Method::Get,
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER
            )
    );
    let location = response.headers().get(header::LOCATION).filter(|_| follows)?;
    let mut next = url.join(location.to_str().ok()?).ok()?;
    // Nobody else says who we are.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    next.set_fragment(None);
    Some(next)
}

#[async_trait]
impl Transport for JobTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.exchange(&request, &url).await?;
            if let Some(next) = location(&request, &url, &response) {
                url = next;
                continue;
            }
            let (head, body) = response.into_parts();
            let pieces = stream::unfold(body, |mut body| async move {
                let piece = body.chunk().await?;
                Some((piece.map_err(|error| failure(&error)), body))
            });
            let body: Body = pieces.boxed();
            return Ok(Response {
                status: head.status,
                headers: head.headers,
                url,
                remote: None,
                body,
            });
        }
        let text = format!(
            "{} leads from one place to the next, more than {REDIRECTS} times",
            shown(&request.url)
        );
        Err(TransportError::new(TransportFault::TooManyRedirects, text))
    }
}

/// What a failure of the dispatcher means for a job.
fn failure(error: &DispatchError) -> TransportError {
    let fault = match error {
        DispatchError::Full { .. } | DispatchError::Waited { .. } | DispatchError::Evicted { .. } => {
            TransportFault::Overloaded
        }
        DispatchError::Closed | DispatchError::Aborted => TransportFault::Draining,
        DispatchError::Filtered { .. } => TransportFault::Refused,
        DispatchError::BreakerOpen { retry_after, .. } => TransportFault::Paused {
            retry_after: retry_after.unwrap_or(SOON),
        },
        DispatchError::Rate { retry_after, .. } => TransportFault::Paused {
            retry_after: *retry_after,
        },
        DispatchError::Deadline { .. }
        | DispatchError::AttemptTimeout { .. }
        | DispatchError::IdleTimeout { .. } => TransportFault::Timeout,
        DispatchError::Transport { error, .. } => match error.kind() {
            TransportErrorKind::Connect if error.to_string().contains("dns error") => TransportFault::Dns,
            TransportErrorKind::Connect => TransportFault::Connect,
            TransportErrorKind::Tls => TransportFault::Tls,
            TransportErrorKind::Cut => TransportFault::Cut,
            TransportErrorKind::Protocol => TransportFault::Protocol,
            TransportErrorKind::Request | TransportErrorKind::Private => TransportFault::Refused,
        },
        _ => TransportFault::Protocol,
    };
    TransportError::new(fault, error.to_string())
}
