//! How etcd is asked.

use std::{io, num::NonZeroUsize, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use stoa_dispatch::{
    BreakerMode, Class, Concurrency, LaneKey, LaneSettings, NoProxy, Pool, RequestBody, ResponseBody, Task,
};
use stoa_registry::etcd::{HttpBody, HttpReply, Transport};
use tokio::time::timeout;
use url::Url;

/// The name of the lane of the registry. No host has it.
pub(in crate::app) const LANE: &str = "registry=";
/// A watch is one answer, in which nothing may be said for long and which has no end.
const ENDLESS: Duration = Duration::from_secs(365 * 24 * 3600);
/// Requests at a time.
const PERMITS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// Asks etcd through a lane of the dispatcher.
#[derive(Debug)]
pub(super) struct EtcdTransport {
    pool: Pool,
}

impl EtcdTransport {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

/// What shapes the lane: the adapter knows how long to wait for what and when to ask again, so that the lane does neither.
pub(in crate::app) fn lane_settings() -> LaneSettings {
    let mut settings = LaneSettings {
        concurrency: Concurrency::Fixed(PERMITS),
        attempt: ENDLESS,
        idle: ENDLESS,
        deadline: ENDLESS,
        ..LaneSettings::default()
    };
    settings.breaker.mode = BreakerMode::Disabled;
    settings.retry.max = 0;
    settings
}

#[async_trait]
impl Transport for EtcdTransport {
    async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Bytes,
        deadline: Duration,
    ) -> io::Result<HttpReply> {
        let mut request = http::Request::new(RequestBody::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().map_err(io::Error::other)?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        for (name, value) in headers {
            // What is wrong with a header may hold a secret, so it is not told.
            let value = HeaderValue::from_str(value).map_err(|_| io::ErrorKind::InvalidInput)?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        request.extensions_mut().insert(NoProxy);
        let lane = LaneKey::named(LANE).map_err(io::Error::other)?;
        let task = Task::ready(request).map_err(io::Error::other)?;
        let task = task
            .in_lane(lane)
            .retryable(false)
            .within(ENDLESS)
            .urgency(Class::Interactive);
        let response = timeout(deadline, self.pool.call(task)).await;
        let response = response.map_err(|_elapsed| io::ErrorKind::TimedOut)?;
        let (head, body) = response.map_err(io::Error::other)?.into_parts();
        Ok(HttpReply {
            status: head.status.as_u16(),
            body: Box::new(Body(body)),
        })
    }
}

struct Body(ResponseBody);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

#[async_trait]
impl HttpBody for Body {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.0.chunk().await.transpose().map_err(io::Error::other)
    }
}
