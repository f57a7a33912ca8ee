//! The innermost layer of the protocol: what is known nowhere is brought in.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_fetch::Question;

use crate::{Answer, Content, Protocol, ProxyError, Stasher};

/// A zip up to this size is waited for, in bytes. Most modules are smaller, a whole one arrives almost as soon as its
/// beginning, and its failure can still be told with a status instead of a cut connection.
const WAITED_FOR: u64 = 1 << 20;

/// Answers by asking the stasher. Larger zips are handed out while they arrive.
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
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let stashed = self.stasher.stash(question).await?;
        if let Content::Growing(growing) = &stashed.content {
            growing.larger_than(WAITED_FOR).await?;
        }
        Ok(Answer::new(stashed.content, stashed.outcome))
    }
}
