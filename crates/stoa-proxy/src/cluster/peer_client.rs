//! Another node, asked over HTTP.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use stoa_dispatch::{
    BreakerMode, Class, Concurrency, DispatchError, LaneKey, LaneSettings, NoProxy, Pool, RequestBody,
    Response, Task, Urgency,
};
use stoa_fetch::{Context, FetchError, Fetched, Limits, Phase, SourceName};
use stoa_peer::{Exchange, Hello, Node, PeerError, Refusal, Request, Secrets, Session, SessionSlot, names};
use tokio::time::timeout;

use super::{
    about::About,
    contact::{Contact, Reach},
    knock_answer::KnockAnswer,
    member::Member,
    peer::{Peer, PeerQuestion, node_name},
    peer_answer::PeerAnswer,
    peer_health::{Attempt, PeerHealth},
    peer_pace::PeerPace,
    peer_wire::PeerRequest,
};

/// Where questions are sent to.
pub const ASK_PATH: &str = "/_peer/v1/ask";
/// Questions to one node at a time, and as many may wait.
const LANE: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// The longest answer to a hello, in bytes.
const LONGEST_HELLO: usize = stoa_peer::LARGEST_HELLO;
/// The longest answer to a knock, in bytes.
const LONGEST_KNOCK: u64 = 4 << 10;

/// How nodes are asked.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// This node.
    pub me: Node,
    /// What the nodes of the cluster know.
    pub secrets: Secrets,
    /// A node that says nothing for so long is given up. It says something every quarter of a second while it works.
    pub silence: Duration,
    /// How long a node may work before its answer begins.
    pub patience: Duration,
    /// How long an answer may take.
    pub total: Duration,
    /// How large an answer may be.
    pub limits: Limits,
}

/// A node of the cluster, which is asked through a lane of its own.
pub struct PeerClient {
    member: Member,
    hello: Option<Uri>,
    ask: Option<Uri>,
    lane: Option<LaneKey>,
    pool: Pool,
    slot: SessionSlot,
    options: Arc<PeerOptions>,
    health: Arc<PeerHealth>,
    pace: Arc<PeerPace>,
    contact: Arc<Contact>,
}

impl PeerClient {
    /// How the names of the lanes of nodes begin. No host has such a name.
    pub const LANE_PREFIX: &'static str = "peer=";

    /// Asks `member` through `pool`.
    pub fn new(member: Member, pool: Pool, options: Arc<PeerOptions>) -> Self {
        let base = member.address.trim_end_matches('/');
        let uri = |path: &str| format!("{base}{path}").parse::<Uri>().ok();
        Self {
            hello: uri(names::HELLO_PATH),
            ask: uri(ASK_PATH),
            lane: LaneKey::named(&format!("{}{}", Self::LANE_PREFIX, member.id)).ok(),
            member,
            pool,
            slot: SessionSlot::new(),
            options,
            health: Arc::default(),
            pace: Arc::default(),
            contact: Arc::default(),
        }
    }

    /// What shapes the lane of a node: it is left out by its health, and not by a breaker, and what it could not do is asked of
    /// another node instead of being asked again.
    pub fn lane_settings() -> LaneSettings {
        let mut settings = LaneSettings {
            concurrency: Concurrency::Fixed(LANE),
            queue: LANE.get(),
            ..LaneSettings::default()
        };
        settings.breaker.mode = BreakerMode::Disabled;
        settings.retry.max = 0;
        settings
    }

    /// Asks, in a session that is made if there is none, and made anew if the node does not know it. That there is an answer proves
    /// nothing; its first frame does.
    async fn exchange(&self, request: &PeerRequest, urgency: Urgency) -> Result<PeerAnswer, FetchError> {
        let mut attempt = self.health.begin(self.options.silence);
        match self.try_exchange(request, urgency).await {
            Ok((exchange, response)) => Ok(self.answer(exchange, response, attempt)),
            Err(error) => {
                if !matches!(error, FetchError::Overloaded { .. }) {
                    attempt.fail();
                    self.contact.failed(&error);
                }
                Err(error)
            }
        }
    }

    /// What a node says when it is knocked at.
    async fn knock_answer(&self) -> Result<KnockAnswer, FetchError> {
        let request = PeerRequest::new(About::Knock, &Context::background(), 0);
        let mut answer = self.exchange(&request, Class::Interactive.into()).await?;
        answer.head().await?;
        let json = answer.whole(LONGEST_KNOCK).await?;
        serde_json::from_slice(&json).map_err(|error| FetchError::Broken {
            source_name: self.source_name(),
            cause: Arc::new(error),
        })
    }

    async fn try_exchange(
        &self,
        request: &PeerRequest,
        urgency: Urgency,
    ) -> Result<(Exchange, Response), FetchError> {
        let body = request.to_bytes();
        for is_last in [false, true] {
            let session = self.session().await?;
            let signed = Request {
                method: &Method::POST,
                target: ASK_PATH,
                headers: &http::HeaderMap::new(),
                covered: &[],
                body: &body,
            };
            let (tag, exchange) = session.sign(&signed);
            let mut sent = self.request(self.ask.as_ref(), body.clone())?;
            tag.write(sent.headers_mut());
            let response = self.send(sent, urgency.clone()).await?;
            if response.status() == StatusCode::OK {
                return Ok((exchange, response));
            }
            let error = self.refusal(&response);
            if !is_last && matches!(error, PeerError::UnknownSession) {
                self.slot.forget(&session);
                continue;
            }
            return Err(self.of_peer(error));
        }
        Err(self.of_peer(PeerError::UnknownSession))
    }

    async fn session(&self) -> Result<Arc<Session>, FetchError> {
        let made = self.slot.get_or_hello(|| self.say_hello()).await;
        made.map_err(|error| self.of_peer(error))
    }

    async fn say_hello(&self) -> Result<Session, PeerError> {
        let unreachable = |error: FetchError| away(error);
        let expects = self.member.id.parse().ok();
        let hello = Hello::new(&self.options.me, &self.options.secrets, expects);
        let sent = self
            .request(self.hello.as_ref(), hello.body())
            .map_err(unreachable)?;
        let response = self
            .send(sent, Class::Interactive.into())
            .await
            .map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(&response));
        }
        let read = timeout(self.options.silence, response.into_body().bytes(LONGEST_HELLO)).await;
        match read {
            Ok(Ok(Some(answer))) => hello.finish(&answer),
            Ok(Ok(None)) => Err(PeerError::TooLarge("the answer to a hello")),
            Ok(Err(error)) => Err(away(error)),
            Err(_elapsed) => Err(away("it does not answer a hello")),
        }
    }

    fn request(&self, uri: Option<&Uri>, body: Bytes) -> Result<stoa_dispatch::Request, FetchError> {
        let Some(uri) = uri else {
            let reason = format!("{:?} is no URL that can be asked", self.member.address);
            return Err(self.unreachable(reason));
        };
        let mut request = http::Request::new(RequestBody::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        // Nodes are near one another, whatever the environment says of the way to everything else.
        request.extensions_mut().insert(NoProxy);
        Ok(request)
    }

    async fn send(&self, request: stoa_dispatch::Request, urgency: Urgency) -> Result<Response, FetchError> {
        let task = Task::ready(request).map_err(|error| self.unreachable(error.to_string()))?;
        let task = match &self.lane {
            Some(lane) => task.in_lane(lane.clone()),
            None => task,
        };
        let task = task.retryable(false).within(self.options.total).urgency(urgency);
        let sent = timeout(self.options.silence, self.pool.call(task)).await;
        match sent {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.of_dispatch(error)),
            Err(_elapsed) => Err(FetchError::Timeout {
                source_name: self.source_name(),
                phase: Phase::Response,
                after: self.options.silence,
            }),
        }
    }

    fn answer(&self, exchange: Exchange, response: Response, attempt: Attempt) -> PeerAnswer {
        PeerAnswer::new(
            self.source_name(),
            (exchange.reader(), response.into_body()),
            (self.options.silence, self.options.patience),
            (attempt, Arc::clone(&self.contact)),
            Arc::clone(&self.pace),
        )
    }

    fn refusal(&self, response: &Response) -> PeerError {
        let value = response.headers().get(names::REFUSED);
        let expected = self.member.id.parse().ok();
        value.and_then(Refusal::read).map_or_else(
            || {
                let text = format!("it answers {} at {ASK_PATH}", response.status());
                away(text)
            },
            |refusal| refusal.meaning(expected.as_ref()),
        )
    }

    fn unreachable(&self, reason: String) -> FetchError {
        FetchError::Unreachable {
            source_name: self.source_name(),
            cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(reason)),
        }
    }

    fn of_dispatch(&self, error: DispatchError) -> FetchError {
        match error {
            DispatchError::Full { .. } | DispatchError::Waited { .. } | DispatchError::Evicted { .. } => {
                FetchError::Overloaded {
                    source_name: self.source_name(),
                    reason: error.to_string(),
                    retry_after: error.retry_after(),
                }
            }
            error => FetchError::Unreachable {
                source_name: self.source_name(),
                cause: Arc::new(error),
            },
        }
    }

    /// What a node says that does not believe this one, or is not believed.
    fn of_peer(&self, error: PeerError) -> FetchError {
        FetchError::Unreachable {
            source_name: self.source_name(),
            cause: Arc::new(error),
        }
    }
}

fn away(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PeerError {
    PeerError::Unreachable(Arc::from(cause.into()))
}

#[async_trait]
impl Peer for PeerClient {
    fn source_name(&self) -> SourceName {
        node_name(&self.member.id)
    }

    fn is_up(&self) -> bool {
        self.health.is_up()
    }

    fn reach(&self) -> Reach {
        self.contact.reach()
    }

    fn heard_ago(&self) -> Option<Duration> {
        self.contact.age()
    }

    fn is_draining(&self) -> bool {
        self.contact.is_draining()
    }

    async fn knock(&self) -> Result<KnockAnswer, FetchError> {
        let answer = timeout(self.options.silence, self.knock_answer()).await;
        let answer = answer.unwrap_or_else(|_elapsed| {
            Err(FetchError::Timeout {
                source_name: self.source_name(),
                phase: Phase::Response,
                after: self.options.silence,
            })
        });
        match &answer {
            Ok(answer) => self.contact.says_draining(answer.draining),
            Err(error) => self.contact.failed(error),
        }
        answer
    }

    async fn ask(&self, question: &PeerQuestion) -> Result<Fetched, FetchError> {
        let urgency = question.context.urgency.clone();
        let mut answer = self.exchange(&PeerRequest::of(question), urgency).await?;
        let head = answer.head().await?;
        let pieces = stream::unfold(Some(answer), |answer| async move {
            let mut answer = answer?;
            match answer.piece().await {
                Ok(None) => None,
                Ok(Some(piece)) => Some((Ok(piece), Some(answer))),
                Err(error) => Some((Err(error), None)),
            }
        });
        let len = head.len.filter(|_| question.from == 0);
        let limit = self.options.limits.for_resource(&question.resource);
        let fetched = Fetched::new(self.source_name(), len, limit, pieces.boxed())?;
        Ok(Fetched {
            start: question.from,
            len: head.len,
            // It has been checked where it was fetched.
            of_repository: true,
            ..fetched
        })
    }

    async fn tell(&self, about: About) -> Result<(), FetchError> {
        let request = PeerRequest::new(about, &Context::background(), 0);
        let mut answer = self.exchange(&request, Class::Interactive.into()).await?;
        answer.head().await?;
        answer.whole(0).await.map(drop)
    }

    async fn ask_database(&self, database: &str, path: &str, limit: u64) -> Result<Bytes, FetchError> {
        let about = About::Database {
            name: database.to_owned(),
            path: path.to_owned(),
        };
        let context = Context::interactive(stoa_fetch::Caller::Stoa);
        let request = PeerRequest::new(about, &context, 0);
        let mut answer = self.exchange(&request, context.urgency.clone()).await?;
        answer.head().await?;
        answer.whole(limit).await
    }
}

impl fmt::Display for PeerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.member.fmt(f)
    }
}

impl fmt::Debug for PeerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerClient")
            .field("member", &self.member)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}
