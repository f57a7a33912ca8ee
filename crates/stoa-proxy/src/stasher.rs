//! The inner port: bringing something in.

use std::fmt;

use async_trait::async_trait;

use stoa_fetch::Question;

use crate::{Content, Outcome, ProxyError};

/// Brings an answer in from where modules come from, and stores what can be stored.
///
/// # Contract
/// * What is returned whole has been checked and, if it is immutable, stored.
/// * A [growing](Content::Growing) answer may be returned before it is whole; the work behind it goes on until its writer ends, and
///   layers that guard the work attach their guard to it.
/// * [`fmt::Display`] prints the stack from the outside in.
#[async_trait]
pub trait Stasher: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Brings the resource of `question` in.
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError>;
}

/// What a [`Stasher`] brought in. Cheap to clone, because joined callers share it.
#[derive(Clone, Debug)]
pub struct Stashed {
    /// The content.
    pub content: Content,
    /// [`Outcome::Miss`] for who started the work, [`Outcome::Coalesced`] for who joined it, [`Outcome::Hit`] when it
    /// turned out to be stored already.
    pub outcome: Outcome,
}

impl Stashed {
    pub(crate) fn new(content: Content) -> Self {
        let outcome = if matches!(content, Content::Stored(_)) {
            Outcome::Hit
        } else {
            Outcome::Miss
        };
        Self { content, outcome }
    }

    /// Ties `guard` to the work behind this answer: dropped now if the answer is whole, else when it ends.
    pub fn guard(&self, guard: impl Send + 'static) {
        if let Content::Growing(growing) = &self.content {
            growing.attach(guard);
        }
    }
}
