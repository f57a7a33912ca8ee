//! Asks the members of etcd.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;
use url::Url;

use super::{
    body::{self, Objects},
    fault::Fault,
    options::{Credentials, EtcdOptions},
    transport::{HttpReply, Transport},
    wire::{AuthenticateRequest, AuthenticateResponse, WatchRequest, WatchResponse},
};
use crate::RegistryError;

/// Asks the members of etcd, one after another until one answers, and first the one that answered last.
#[derive(Debug)]
pub(super) struct Client {
    transport: Arc<dyn Transport>,
    members: Vec<Url>,
    credentials: Option<Credentials>,
    timeout: Duration,
    /// Which member answered last.
    good: AtomicUsize,
    token: Mutex<Token>,
}

/// What a user shows after the password. It is never printed.
#[derive(Clone, Default, PartialEq)]
enum Token {
    #[default]
    Unknown,
    /// etcd asks nobody for a password.
    NotNeeded,
    Known(Arc<str>),
}

/// An answer that is none, and whose.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    /// The host and port of the member.
    member: String,
    pub(super) fault: Fault,
}

/// A watch that has begun.
#[derive(Debug)]
pub(super) struct Opened {
    /// The host and port of the member.
    pub(super) member: String,
    /// What it said first.
    pub(super) first: WatchResponse,
    pub(super) objects: Objects,
}

struct Question {
    path: &'static str,
    body: Bytes,
}

impl Client {
    /// Asks with options that are checked.
    pub(super) fn new(options: &EtcdOptions, transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            members: options.endpoints.clone(),
            credentials: options.credentials.clone(),
            timeout: options.timeout,
            good: AtomicUsize::new(0),
            token: Mutex::default(),
        }
    }

    /// Asks a question that has one answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &'static str,
        question: &impl Serialize,
    ) -> Result<T, Failed> {
        self.answer(path, question, body::parse).await
    }

    /// Asks a question whose answer is a stream of one object.
    pub(super) async fn ask_stream<T: DeserializeOwned>(
        &self,
        path: &'static str,
        question: &impl Serialize,
    ) -> Result<T, Failed> {
        self.answer(path, question, body::object).await
    }

    async fn answer<T>(
        &self,
        path: &'static str,
        question: &impl Serialize,
        parse: fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Failed> {
        let question = Question::new(path, question);
        let mut last = None;
        for (number, url) in self.in_turn() {
            let answer = self.ask_member(url, &question).await;
            match answer.and_then(|body| parse(&body)) {
                Err(fault) if fault.is_of_the_member() => last = Some(Failed::new(url, fault)),
                answer => {
                    self.good.store(number, Ordering::Relaxed);
                    return answer.map_err(|fault| Failed::new(url, fault));
                }
            }
        }
        Err(last.unwrap_or_else(Failed::nobody))
    }

    /// Begins a watch, and waits for the first word of it.
    pub(super) async fn watch(&self, request: &WatchRequest) -> Result<Opened, Failed> {
        let question = Question::new("v3/watch", request);
        let mut last = None;
        for (number, url) in self.in_turn() {
            match self.watch_member(url, &question).await {
                Err(fault) if fault.is_of_the_member() => last = Some(Failed::new(url, fault)),
                opened => {
                    self.good.store(number, Ordering::Relaxed);
                    let (first, objects) = opened.map_err(|fault| Failed::new(url, fault))?;
                    return Ok(Opened {
                        member: host(url),
                        first,
                        objects,
                    });
                }
            }
        }
        Err(last.unwrap_or_else(Failed::nobody))
    }

    /// The next question goes to another member first: the one that answered last does not do.
    pub(super) fn distrust(&self) {
        let next = self.good.load(Ordering::Relaxed) + 1;
        self.good.store(next % self.members.len(), Ordering::Relaxed);
    }

    fn in_turn(&self) -> impl Iterator<Item = (usize, &Url)> + Send {
        let good = self.good.load(Ordering::Relaxed);
        let numbers = (good..self.members.len()).chain(0..good);
        numbers.filter_map(|number| Some((number, self.members.get(number)?)))
    }

    async fn ask_member(&self, url: &Url, question: &Question) -> Result<Bytes, Fault> {
        let token = self.token(url).await?;
        match self.exchange(url, question, &token).await {
            Err(Fault::Token(_)) if self.credentials.is_some() => {
                let token = self.other_token(url, &token).await?;
                refused_twice(self.exchange(url, question, &token).await)
            }
            answer => refused_twice(answer),
        }
    }

    async fn watch_member(&self, url: &Url, question: &Question) -> Result<(WatchResponse, Objects), Fault> {
        let token = self.token(url).await?;
        match self.begin(url, question, &token).await {
            Err(Fault::Token(_)) if self.credentials.is_some() => {
                let token = self.other_token(url, &token).await?;
                refused_twice(self.begin(url, question, &token).await)
            }
            begun => refused_twice(begun),
        }
    }

    /// One request and its whole answer.
    async fn exchange(&self, url: &Url, question: &Question, token: &Token) -> Result<Bytes, Fault> {
        let exchange = async {
            let reply = self.post(url, question, token).await?;
            body::whole(reply).await
        };
        self.in_time(exchange).await
    }

    /// One request and the first object of its answer.
    async fn begin(
        &self,
        url: &Url,
        question: &Question,
        token: &Token,
    ) -> Result<(WatchResponse, Objects), Fault> {
        let begin = async {
            let reply = self.post(url, question, token).await?;
            if reply.status != 200 {
                return Err(body::whole(reply)
                    .await
                    .err()
                    .unwrap_or_else(|| Fault::Away("it does not begin a watch".to_owned())));
            }
            let mut objects = Objects::new(reply.body);
            let first: Option<WatchResponse> = objects.next().await?;
            let first = first.ok_or_else(|| Fault::Away("it ends a watch at once".to_owned()))?;
            if first.canceled && first.compact_revision.0 == 0 {
                return Err(Fault::canceled(&first.cancel_reason));
            }
            Ok((first, objects))
        };
        self.in_time(begin).await
    }

    async fn post(&self, url: &Url, question: &Question, token: &Token) -> Result<HttpReply, Fault> {
        let url = url
            .join(question.path)
            .map_err(|error| Fault::Away(error.to_string()))?;
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if let Token::Known(token) = token {
            headers.push(("authorization", token.to_string()));
        }
        let posted = self
            .transport
            .post(&url, &headers, question.body.clone(), self.timeout);
        posted.await.map_err(|error| Fault::Away(error.to_string()))
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let late = |_| {
            Err(Fault::Away(format!(
                "it did not answer within {:?}",
                self.timeout
            )))
        };
        timeout(self.timeout, work).await.unwrap_or_else(late)
    }

    /// What is shown to etcd, asked for if there is nothing yet.
    async fn token(&self, url: &Url) -> Result<Token, Fault> {
        let token = self.token.lock().clone();
        match (&self.credentials, token) {
            (None, _) => Ok(Token::NotNeeded),
            (Some(credentials), Token::Unknown) => self.authenticate(url, credentials).await,
            (Some(_), token) => Ok(token),
        }
    }

    /// Another token than the one that was refused.
    async fn other_token(&self, url: &Url, refused: &Token) -> Result<Token, Fault> {
        self.drop_token(refused);
        self.token(url).await
    }

    fn drop_token(&self, refused: &Token) {
        let mut token = self.token.lock();
        if *token == *refused {
            *token = Token::Unknown;
        }
    }

    async fn authenticate(&self, url: &Url, credentials: &Credentials) -> Result<Token, Fault> {
        let question = Question::new(
            "v3/auth/authenticate",
            &AuthenticateRequest {
                name: &credentials.user,
                password: &credentials.password,
            },
        );
        let token = match self.exchange(url, &question, &Token::NotNeeded).await {
            Ok(body) => {
                let answer: AuthenticateResponse = body::parse(&body)?;
                Token::Known(answer.token.into())
            }
            Err(Fault::NoUsers(_)) => Token::NotNeeded,
            Err(fault) => return Err(fault),
        };
        self.token.lock().clone_from(&token);
        Ok(token)
    }
}

impl Question {
    fn new(path: &'static str, question: &impl Serialize) -> Self {
        let body = serde_json::to_vec(question).expect("texts, numbers and nothing else");
        Self {
            path,
            body: body.into(),
        }
    }
}

impl Failed {
    fn new(url: &Url, fault: Fault) -> Self {
        Self {
            member: host(url),
            fault,
        }
    }

    /// An answer of the member at this host and port.
    pub(super) fn of(member: &str, fault: Fault) -> Self {
        Self {
            member: member.to_owned(),
            fault,
        }
    }

    fn nobody() -> Self {
        Self {
            member: "no endpoint".to_owned(),
            fault: Fault::Away("there is nobody to ask".to_owned()),
        }
    }
}

impl From<Failed> for RegistryError {
    fn from(failed: Failed) -> Self {
        let registry = format!("etcd at {}", failed.member);
        match failed.fault {
            Fault::Refused(_) | Fault::Token(_) => Self::refused(&registry, failed.fault),
            fault => Self::away(&registry, fault),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "Unknown",
            Self::NotNeeded => "NotNeeded",
            Self::Known(_) => "Known",
        })
    }
}

/// A token that is refused although it is new, or though there is none to be had, is a refusal.
fn refused_twice<T>(answer: Result<T, Fault>) -> Result<T, Fault> {
    answer.map_err(|fault| match fault {
        Fault::Token(text) => Fault::Refused(text),
        fault => fault,
    })
}

/// The host and port of a member, for people.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
