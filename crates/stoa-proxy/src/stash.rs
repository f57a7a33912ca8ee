//! The innermost layer of the protocol: what is known nowhere is brought in.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_fetch::Resource;

use crate::{Answer, AnswerBody, Content, Protocol, ProxyError, Stasher};

/// Answers by asking the stasher.
#[derive(Debug)]
pub struct Stash {
    stasher: Arc<dyn Stasher>,
}

impl Stash {
    /// Asks `stasher`.
    pub fn new(stasher: Arc<dyn Stasher>) -> Self {
        Self { stasher }
    }
}

impl fmt::Display for Stash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stash > {}", self.stasher)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for Stash {
    async fn get(&self, resource: &Resource) -> Result<Answer, ProxyError> {
        let stashed = self.stasher.stash(resource).await?;
        let body = match stashed.content {
            Content::Bytes(bytes) => AnswerBody::Bytes(bytes),
            Content::Stored(blob) => AnswerBody::Blob(blob),
            Content::Growing(growing) => AnswerBody::Growing(growing),
        };
        Ok(Answer::new(body, stashed.outcome))
    }
}
