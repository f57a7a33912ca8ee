//! What a client gets.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use crate::Content;

/// How an answer came about; the word that logs and metrics use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// From memory or storage.
    Hit,
    /// Fetched for this request.
    Miss,
    /// Fetched for an earlier request that this one joined.
    Coalesced,
    /// From memory although its time is over, because it is being refreshed or the source failed; or from storage
    /// in place of a source that failed.
    Stale,
    /// A remembered "there is no such thing".
    Negative,
}

impl Outcome {
    /// Every outcome, in a fixed order.
    pub const ALL: [Self; 5] = [
        Self::Hit,
        Self::Miss,
        Self::Coalesced,
        Self::Stale,
        Self::Negative,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Coalesced => "coalesced",
            Self::Stale => "stale",
            Self::Negative => "negative",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An answer to a client.
#[derive(Debug)]
pub struct Answer {
    /// The content.
    pub content: Content,
    /// How it came about.
    pub outcome: Outcome,
    /// For what may change: how much longer it is fresh. `None` for fixed files, and for what may not be reused.
    pub fresh_for: Option<Duration>,
    /// For what is fresh: when its source was asked, see [`Refreshes::is_old`](crate::Refreshes::is_old).
    pub asked: Option<Instant>,
    /// Whatever must live as long as the body is being sent.
    hold: Option<Box<dyn Hold>>,
}

/// Something that is kept as long as a body is being sent, such as a permit.
trait Hold: fmt::Debug + Send + Sync {}
impl<T: fmt::Debug + Send + Sync> Hold for T {}

/// Keeps what an [`Answer`] held after its body has been taken out.
#[derive(Debug, Default)]
pub struct Held(#[expect(dead_code, reason = "kept only to be dropped")] Option<Box<dyn Hold>>);

impl Answer {
    /// An answer that holds nothing.
    pub fn new(content: Content, outcome: Outcome) -> Self {
        Self {
            content,
            outcome,
            fresh_for: None,
            asked: None,
            hold: None,
        }
    }

    /// Keeps `thing` until the body has been sent.
    #[must_use]
    pub fn holding(mut self, thing: impl fmt::Debug + Send + Sync + 'static) -> Self {
        self.hold = Some(match self.hold.take() {
            None => Box::new(thing),
            Some(earlier) => Box::new((earlier, thing)),
        });
        self
    }

    /// The content, and what must be kept while it is sent.
    pub fn into_parts(self) -> (Content, Held) {
        (self.content, Held(self.hold))
    }
}
