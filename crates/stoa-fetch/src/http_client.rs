//! The only place where an outbound HTTP request is made.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect::{Attempt, Policy},
};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{Body, Deadlines, FetchError, Fetched, Limits, NotFound, Phase, Reply, SourceName, body::Rules};

/// The go command gives up after as many hops.
const MAX_REDIRECTS: usize = 10;

/// Sends GET requests with deadlines, bounded bodies and no content coding.
#[derive(Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    deadlines: Deadlines,
    limits: Limits,
}

/// One request: where to, for whom, how much.
#[derive(Debug)]
pub(crate) struct Get<'a> {
    pub(crate) url: Url,
    /// Sent as basic authentication; not sent to another host after a redirect.
    pub(crate) credentials: Option<&'a Credentials>,
    pub(crate) source_name: &'a SourceName,
    pub(crate) limit: u64,
}

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
    /// A client of its own connection pool.
    ///
    /// # Errors
    /// When the system's TLS roots cannot be read.
    pub fn new(deadlines: Deadlines, limits: Limits) -> Result<Self, FetchError> {
        // The TLS library wants one process-wide provider; whoever comes first has set the same one.
        let _already_set = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("stoa/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(deadlines.connect)
            .redirect(Policy::custom(follow))
            .tcp_nodelay(true)
            .build()
            .map_err(|error| FetchError::Unsupported {
                reason: format!("no HTTP client: {error}"),
            })?;
        Ok(Self {
            client,
            deadlines,
            limits,
        })
    }

    /// The bounds on bodies.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends the request and waits for the head of the answer. Only 200 is success, as for the go command.
    pub(crate) async fn get(&self, get: Get<'_>) -> Result<Fetched, FetchError> {
        let deadline = (Instant::now() + self.deadlines.total, self.deadlines.total);
        let mut request = self.client.get(get.url);
        if let Some(credentials) = get.credentials {
            request = request.header(AUTHORIZATION, credentials.0.clone());
        }
        let source_name = get.source_name;
        let sent = timeout(self.deadlines.response, request.send()).await;
        let response = sent
            .map_err(|_| FetchError::Timeout {
                source_name: source_name.clone(),
                phase: Phase::Response,
                after: self.deadlines.response,
            })?
            .map_err(|error| unreachable(source_name, error))?;

        let (status, len) = (response.status(), response.content_length());
        let headers = response.headers().clone();
        let pieces = response.bytes_stream().map(|piece| piece.map_err(cause)).boxed();
        let rules = |limit, len| Rules {
            source_name: source_name.clone(),
            len,
            limit,
            idle: self.deadlines.idle,
            deadline,
        };
        if status != StatusCode::OK {
            // Error texts are cut, not refused: the length announced is not held against the answer.
            let body = Body::new(pieces, rules(u64::MAX, None))?;
            let reply = self.error_reply(status, &headers, body).await;
            return Err(failure(source_name, reply));
        }
        if let Some(coding) = headers
            .get(CONTENT_ENCODING)
            .filter(|c| !c.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            let reason = format!("content coding {coding:?} was not asked for");
            return Err(FetchError::invalid(source_name, reason));
        }
        let body = Body::new(pieces, rules(get.limit, len))?;
        Ok(Fetched {
            source_name: source_name.clone(),
            len,
            body,
        })
    }

    /// Reads what fits of an error's text. A failure on the way loses the text, not the status.
    async fn error_reply(&self, status: StatusCode, headers: &HeaderMap, mut body: Body) -> Reply {
        let mut text = Vec::new();
        while text.len() < self.limits.error_text {
            let Some(Ok(piece)) = body.next().await else { break };
            let room = self.limits.error_text - text.len();
            text.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        Reply {
            status: status.as_u16(),
            content_type,
            body: Bytes::from(text),
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// The go command's rules: ten hops, never from https to http.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("stopped after 10 redirects");
    }
    let secure_before = attempt.previous().iter().any(|url| url.scheme() == "https");
    if secure_before && attempt.url().scheme() != "https" {
        return attempt.error("redirected from a secure URL to an insecure one");
    }
    attempt.follow()
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

fn unreachable(source_name: &SourceName, error: reqwest::Error) -> FetchError {
    if error.is_timeout() {
        // Only connecting has a deadline inside the client.
        return FetchError::Unreachable {
            source_name: source_name.clone(),
            cause: Arc::new(ConnectTimeout),
        };
    }
    FetchError::Unreachable {
        source_name: source_name.clone(),
        cause: cause(error),
    }
}

/// The URL is left out: it may carry credentials, and the source's name is in the message already.
fn cause(error: reqwest::Error) -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::new(error.without_url())
}

#[derive(Debug, thiserror::Error)]
#[error("connecting took too long")]
struct ConnectTimeout;
