//! How a service is asked: through the dispatcher.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use parking_lot::Mutex;
use stoa_dispatch::{
    Class, Concurrency, DispatchError, LaneKey, LaneSettings, Percent, Pool, RequestBody, Response,
    ResponseBody, Task,
};

/// The lane of everything but zips. No host has this name.
pub const LANE: &str = "storage=";
/// The lane of zips that are read: an answer that a slow client reads keeps its place, and what others ask for must not wait
/// behind that.
pub const ZIP_LANE: &str = "storage=zips";
/// The lane of files on their way up: the answer comes only when the last byte has been sent.
pub const UPLOAD_LANE: &str = "storage=upload";

/// Requests at a time. A hit that is not in memory is a request, so that this bounds such hits.
const PERMITS: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// Zips that are read at a time: about as many as there may be clients who read one.
const ZIP_PERMITS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// The longest that the breaker keeps a service from being asked: a bucket that is back is seen within this.
const OPEN_MAX: Duration = Duration::from_secs(3);
/// The most of an answer that is no success that is read, in bytes.
const MAX_REFUSAL: usize = 64 << 10;
/// A service that sends less than a part of 256 KiB in a second gets this much longer for a file than for nothing.
const SLOWEST: u64 = 256 << 10;
/// From the start of a request to the head of its answer.
const ATTEMPT: Duration = Duration::from_secs(30);

/// What shapes a lane of a storage: many requests at once, none tried again (that is done where they are signed), and a
/// breaker that never hides the bucket for long.
pub fn lane_settings(lane: &str) -> LaneSettings {
    let mut settings = LaneSettings {
        concurrency: Concurrency::Fixed(PERMITS),
        queue: 4096,
        wait: Duration::from_secs(10),
        attempt: ATTEMPT,
        idle: ATTEMPT,
        deadline: Duration::from_secs(60 * 60),
        max_throttle: OPEN_MAX,
        ..LaneSettings::default()
    };
    // Half of the answers being errors is an evil that retries get around; no answer at all is not.
    settings.breaker.consecutive = 100;
    settings.breaker.failure_rate = Percent::default();
    settings.breaker.open_max = OPEN_MAX;
    settings.retry.max = 0;
    match lane {
        UPLOAD_LANE => settings.attempt = settings.deadline,
        ZIP_LANE => settings.concurrency = Concurrency::Fixed(ZIP_PERMITS),
        _ => {}
    }
    settings
}

/// Asks the services of a storage.
#[derive(Clone, Debug)]
pub(super) struct ObjectHttp {
    pool: Pool,
}

impl ObjectHttp {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Sends a file of `len` bytes up, and reads the answer: its status and, of one that is no success, its words.
    pub(super) async fn upload(
        &self,
        request: http::Request<RequestBody>,
        len: u64,
    ) -> Result<(u16, String), DispatchError> {
        let within = 2 * ATTEMPT + Duration::from_secs(len / SLOWEST);
        let response = self.ask(request, UPLOAD_LANE, Some(within)).await?;
        let (head, body) = response.into_parts();
        let words = if head.status.is_success() {
            body.drain().await;
            String::new()
        } else {
            body.bytes(MAX_REFUSAL)
                .await?
                .map(|words| String::from_utf8_lossy(&words).into_owned())
                .unwrap_or_default()
        };
        Ok((head.status.as_u16(), words))
    }

    async fn ask(
        &self,
        request: http::Request<RequestBody>,
        lane: &str,
        within: Option<Duration>,
    ) -> Result<Response, DispatchError> {
        let own = LaneKey::named(lane);
        let task = Task::ready(request).and_then(|task| Ok(task.in_lane(own?)));
        let task = task.map_err(|error| DispatchError::Filtered {
            lane: LaneKey::named(LANE).unwrap_or_else(|_| unreachable!("a lane's name")),
            filter: "its address".to_owned(),
            reason: error.to_string(),
        })?;
        let task = task.retryable(false).urgency(Class::Interactive);
        let task = match within {
            Some(within) => task.within(within),
            None => task,
        };
        self.pool.call(task).await
    }
}

impl HttpConnector for ObjectHttp {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for ObjectHttp {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        // What the client of a provider remembers of the request is its own.
        head.extensions.clear();
        let is_large_read = head.method == http::Method::GET && is_large(head.uri.path());
        let lane = if is_large_read { ZIP_LANE } else { LANE };
        let request = http::Request::from_parts(head, RequestBody::from(body));
        let response = self.ask(request, lane, None).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok(HttpResponse::from_parts(
                head,
                HttpResponseBody::new(Answer::new(body)),
            ));
        }
        let words = body.bytes(MAX_REFUSAL).await.map_err(failed)?.unwrap_or_default();
        Ok(HttpResponse::from_parts(head, words.into()))
    }
}

/// What an error means to the code that asks again.
fn failed(error: DispatchError) -> HttpError {
    let kind = match &error {
        error if error.is_refusal() => HttpErrorKind::Unknown,
        DispatchError::AttemptTimeout { .. }
        | DispatchError::IdleTimeout { .. }
        | DispatchError::Deadline { .. } => HttpErrorKind::Timeout,
        DispatchError::Transport { error, .. } if !error.is_retriable() => HttpErrorKind::Unknown,
        DispatchError::Transport { .. } => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}

/// The body of an answer. Only its one reader touches it, which the mutex proves: it is locked for hints only.
struct Answer(Mutex<ResponseBody>);

impl Answer {
    fn new(body: ResponseBody) -> Self {
        Self(Mutex::new(body))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let body = self.get_mut().0.get_mut();
        Pin::new(body)
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map_err(failed)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}

/// Whether an object of this path may be large, as its name ends: a zip of a module, or a release archive.
fn is_large(path: &str) -> bool {
    ["zip", ".gz", ".msi", ".pkg"]
        .iter()
        .any(|end| path.ends_with(end))
}
