//! What nodes say to one another, inside of the frames of `stoa-peer`.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use stoa_dispatch::Class;
use stoa_fetch::{Context, FetchError, Hops, NotFound, Reply, SourceName, Trace};
use stoa_module::Resource;
use tokio::time::Instant;

use super::{
    about::About,
    peer::{PeerQuestion, is_node},
};
use crate::{Cause, Meaning, ProxyError};

/// The most bytes of an error that another node is told.
const LONGEST_TEXT: usize = 4 << 10;
/// The hops of a question that another node asks: it was passed on once, and is answered where it arrives.
const ONE_HOP: u8 = 1;

/// A question, as it is sent. A node that does not know a field passes it over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeerRequest {
    /// What is asked.
    pub about: About,
    /// How many nodes have passed it on, this sender included: one, and nothing else is taken.
    hops: u8,
    /// Whether nobody waits for it.
    #[serde(default)]
    background: bool,
    /// The request that it belongs to.
    #[serde(default)]
    trace: Option<String>,
    /// How many bytes of the answer are there already.
    #[serde(default)]
    pub from: u64,
    /// How many milliseconds ago there was something new of the module, if the sender knows of that. A time would need clocks that
    /// agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewed_ms: Option<u64>,
}

/// The beginning of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHead {
    /// The length of the whole, in bytes, where it is known.
    pub len: Option<u64>,
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerFailure {
    meaning: FailureMeaning,
    text: String,
    #[serde(default)]
    retry_after_ms: Option<u64>,
    /// What a server said, to be passed on as it is.
    #[serde(default)]
    reply: Option<PeerReply>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PeerReply {
    status: u16,
    content_type: Option<String>,
    body: String,
}

/// What a failure means to the node that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureMeaning {
    /// There is no such thing.
    NotFound,
    /// There is no such thing any more.
    Gone,
    /// A rule forbids it.
    Refused,
    /// What its source sends is no good, whoever asks it.
    Condemned,
    /// There is too much to do.
    Overloaded,
    /// This node wants to own nothing now.
    Draining,
    /// It failed in any other way, those that a later version knows among them.
    #[serde(other)]
    Failed,
}

/// A question that is none for this node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerRequestError {
    /// It has gone from node to node.
    #[error("a question that has made {0} hops is not answered: one node asks another, and no further")]
    Hops(u8),
    /// It is no question of this protocol.
    #[error("{0}")]
    Malformed(String),
}

impl PeerRequest {
    /// A question in its context.
    pub fn new(about: About, context: &Context, from: u64) -> Self {
        let trace = context.trace.to_string();
        Self {
            about,
            hops: ONE_HOP,
            background: context.urgency.class() == Class::Background,
            trace: (trace != "-").then_some(trace),
            from,
            renewed_ms: None,
        }
    }

    /// A question about a resource.
    pub fn of(question: &PeerQuestion) -> Self {
        let path = question.resource.path();
        let about = if question.stored_only {
            About::Stored(path)
        } else {
            About::Module(path)
        };
        let age = |at: Instant| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self {
            renewed_ms: question.renewed.map(age),
            ..Self::new(about, &question.context, question.from)
        }
    }

    /// When there was something new of the module, by the clock of this node: not earlier than it was. What was learned before
    /// that is no answer.
    pub fn renewed(&self) -> Option<Instant> {
        let now = Instant::now();
        let ago = Duration::from_millis(self.renewed_ms?);
        // Longer than this process has lived: nothing that it knows is as old.
        now.checked_sub(ago)
    }

    /// Reads what another node has sent and signed.
    ///
    /// # Errors
    ///
    /// If it is no question, or one that was passed on before.
    pub fn parse(body: &[u8]) -> Result<Self, PeerRequestError> {
        let request: Self =
            serde_json::from_slice(body).map_err(|error| PeerRequestError::Malformed(error.to_string()))?;
        if request.hops == ONE_HOP {
            Ok(request)
        } else {
            Err(PeerRequestError::Hops(request.hops))
        }
    }

    /// As it is sent.
    pub fn to_bytes(&self) -> bytes::Bytes {
        // Strings and numbers only, so that it cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The context in which it is answered: for stoa itself, after one hop.
    pub fn context(&self) -> Context {
        let context = if self.background {
            Context::background()
        } else {
            Context::interactive(stoa_fetch::Caller::Stoa)
        };
        Context {
            hops: Hops::One,
            trace: self.trace.as_deref().map(Trace::of).unwrap_or_default(),
            ..context
        }
    }

    /// The resource at a path that another node has sent.
    ///
    /// # Errors
    ///
    /// If there is no such resource.
    pub fn resource(path: &str) -> Result<Resource, PeerRequestError> {
        match Resource::parse(path) {
            Ok(Some(resource)) => Ok(resource),
            Ok(None) => Err(PeerRequestError::Malformed(
                "it is no path of a module".to_owned(),
            )),
            Err(error) => Err(PeerRequestError::Malformed(error.to_string())),
        }
    }
}

impl PeerFailure {
    /// A failure of this node, as another one is told it.
    pub fn of(error: &ProxyError) -> Self {
        let meaning = match error.meaning() {
            Meaning::NotFound => FailureMeaning::NotFound,
            Meaning::Gone => FailureMeaning::Gone,
            Meaning::Refused => FailureMeaning::Refused,
            _ if is_condemned(error) => FailureMeaning::Condemned,
            Meaning::Overloaded => FailureMeaning::Overloaded,
            _ => FailureMeaning::Failed,
        };
        let reply = match error.cause() {
            Cause::Fetch(FetchError::NotFound(NotFound { reply, .. })) => reply.as_ref(),
            _ => None,
        };
        Self {
            meaning,
            text: cut(&error.to_string()),
            retry_after_ms: error
                .retry_after()
                .and_then(|after| u64::try_from(after.as_millis()).ok()),
            reply: reply.and_then(PeerReply::of),
        }
    }

    /// A failure of this node in the middle of a body. A source that broke off has done so again and again at the same place, since
    /// transfers that break off go on.
    pub fn of_body(error: &ProxyError) -> Self {
        let mut failure = Self::of(error);
        if matches!(error.cause(), Cause::Fetch(FetchError::Broken { source_name, .. }) if !is_node(source_name))
        {
            failure.meaning = FailureMeaning::Condemned;
        }
        failure
    }

    /// There is no such thing here.
    pub fn not_stored() -> Self {
        Self {
            meaning: FailureMeaning::NotFound,
            text: "it is not stored here".to_owned(),
            retry_after_ms: None,
            reply: None,
        }
    }

    /// This node brings nothing in for others now: an operator drains it.
    pub fn draining() -> Self {
        Self {
            meaning: FailureMeaning::Draining,
            text: "it owns nothing: it is drained".to_owned(),
            retry_after_ms: None,
            reply: None,
        }
    }

    /// Whether the node wants to own nothing now.
    pub(super) fn is_draining(&self) -> bool {
        self.meaning == FailureMeaning::Draining
    }

    /// This node has the question wrong, or its own trouble.
    pub fn failed(error: &dyn std::fmt::Display) -> Self {
        Self {
            meaning: FailureMeaning::Failed,
            text: cut(&error.to_string()),
            retry_after_ms: None,
            reply: None,
        }
    }

    /// The same for the node that asked `source_name`.
    pub fn into_error(self, source_name: &SourceName) -> FetchError {
        let not_found = |gone, reply: Option<PeerReply>| {
            FetchError::NotFound(NotFound {
                reason: self.text.clone(),
                gone,
                reply: reply.map(PeerReply::into_reply),
            })
        };
        match self.meaning {
            FailureMeaning::NotFound => not_found(false, self.reply.clone()),
            FailureMeaning::Gone => not_found(true, self.reply.clone()),
            FailureMeaning::Refused => FetchError::Refused { reason: self.text },
            FailureMeaning::Condemned => FetchError::Condemned {
                source_name: source_name.clone(),
                reason: self.text,
            },
            FailureMeaning::Overloaded | FailureMeaning::Draining => FetchError::Overloaded {
                source_name: source_name.clone(),
                reason: self.text,
                retry_after: self.retry_after_ms.map(Duration::from_millis),
            },
            FailureMeaning::Failed => FetchError::Unreadable {
                source_name: source_name.clone(),
                cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(self.text)),
            },
        }
    }
}

/// Whether a source has sent what nobody can use. What another node has sent is no matter of the source.
fn is_condemned(error: &ProxyError) -> bool {
    match error.cause() {
        Cause::Fetch(FetchError::Invalid { source_name, .. }) => !is_node(source_name),
        Cause::Fetch(FetchError::Condemned { .. }) => true,
        _ => false,
    }
}

impl PeerReply {
    fn of(reply: &Reply) -> Option<Self> {
        let body = std::str::from_utf8(&reply.body).ok()?;
        (body.len() <= LONGEST_TEXT).then(|| Self {
            status: reply.status,
            content_type: reply.content_type.clone(),
            body: body.to_owned(),
        })
    }

    fn into_reply(self) -> Reply {
        Reply {
            status: self.status,
            content_type: self.content_type,
            body: self.body.into(),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_TEXT / 4).collect()
}

#[cfg(test)]
mod tests;
