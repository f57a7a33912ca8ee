//! A scripted neighbour of the layer under test.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_fetch::{FetchError, Question, Reply, SourceName};
use stoa_module::Resource;
use stoa_proxy::{Answer, Content, Growing, Outcome, Protocol, ProxyError, Stashed, Stasher};
use tokio::sync::watch;

/// What a [`Fake`] answers.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    Bytes(Bytes),
    Growing(Growing),
    Error(ProxyError),
    Panic,
}

/// Answers each resource as it was told, and keeps who asked. Stands in for a protocol and for a stasher.
#[derive(Clone)]
pub(crate) struct Fake {
    says: Arc<Mutex<HashMap<Resource, Say>>>,
    held: Arc<watch::Sender<bool>>,
    asked: Arc<watch::Sender<Vec<Question>>>,
    running: Arc<Mutex<(usize, usize)>>,
}

struct Running(Arc<Mutex<(usize, usize)>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().0 -= 1;
    }
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self {
            says: Arc::default(),
            held: Arc::new(watch::Sender::new(false)),
            asked: Arc::new(watch::Sender::new(Vec::new())),
            running: Arc::default(),
        }
    }

    pub(crate) fn say(&self, resource: &Resource, say: Say) {
        self.says.lock().insert(resource.clone(), say);
    }

    pub(crate) fn text(&self, resource: &Resource, text: impl Into<String>) {
        self.say(resource, Say::Bytes(text.into().into()));
    }

    pub(crate) fn fail(&self, resource: &Resource, error: impl Into<ProxyError>) {
        self.say(resource, Say::Error(error.into()));
    }

    /// Lets no answer out until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(false);
    }

    pub(crate) fn asked(&self) -> Vec<Resource> {
        let questions = self.questions().into_iter();
        questions.map(|question| question.resource).collect()
    }

    /// What it was asked, each with its context.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.asked.borrow().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.borrow().len()
    }

    /// The most questions that were being answered at one time.
    pub(crate) fn peak(&self) -> usize {
        self.running.lock().1
    }

    /// Waits until it has been asked so often.
    pub(crate) async fn reached(&self, count: usize) {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|asked| asked.len() >= count).await.unwrap();
    }

    async fn answer(&self, question: &Question) -> Result<Say, ProxyError> {
        let _running = {
            let mut running = self.running.lock();
            running.0 += 1;
            running.1 = running.1.max(running.0);
            Running(Arc::clone(&self.running))
        };
        self.asked.send_modify(|asked| asked.push(question.clone()));
        let say = self.says.lock().get(&question.resource).cloned();
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        match say {
            Some(Say::Error(error)) => Err(error),
            Some(Say::Panic) => panic!("as it was told"),
            Some(say) => Ok(say),
            None => Err(missing().into()),
        }
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fake({})", self.count())
    }
}

impl fmt::Display for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fake")
    }
}

#[async_trait]
impl Protocol for Fake {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let content = match self.answer(question).await? {
            Say::Bytes(bytes) => Content::Bytes(bytes),
            Say::Growing(growing) => Content::Growing(growing),
            Say::Error(_) | Say::Panic => unreachable!("dealt with"),
        };
        Ok(Answer::new(content, Outcome::Miss))
    }
}

#[async_trait]
impl Stasher for Fake {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        let content = match self.answer(question).await? {
            Say::Bytes(bytes) => Content::Bytes(bytes),
            Say::Growing(growing) => Content::Growing(growing),
            Say::Error(_) | Say::Panic => unreachable!("dealt with"),
        };
        Ok(Stashed {
            content,
            outcome: Outcome::Miss,
        })
    }
}

/// The source says that there is no such thing.
pub(crate) fn missing() -> FetchError {
    FetchError::not_found("no such thing")
}

/// The source fails.
pub(crate) fn broken() -> FetchError {
    answered(503)
}

/// The source has answered with this status.
pub(crate) fn answered(status: u16) -> FetchError {
    FetchError::Status {
        source_name: SourceName::new("source"),
        reply: Reply {
            status,
            content_type: None,
            body: Bytes::from_static(b"broken"),
        },
    }
}
