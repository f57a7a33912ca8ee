//! What became of one run of a job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// The longest text that is kept of a failure, in bytes, and the longest class.
const LONGEST_TEXT: usize = 1_000;
const LONGEST_CLASS: usize = 100;

/// A failure as it is kept: a word to count it by, and a text for people. Both are cut to a bounded length and hold no
/// control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is, as `timeout`, `status` or `digest`.
    pub class: Arc<str>,
    /// What happened, in a sentence.
    pub text: Arc<str>,
}

impl Failure {
    /// A failure of this class.
    pub fn new(class: &str, text: &str) -> Self {
        Self {
            class: visible(class, LONGEST_CLASS),
            text: visible(text, LONGEST_TEXT),
        }
    }
}

/// At most `longest` bytes of `text`, whole characters, a space for each control character.
fn visible(text: &str, longest: usize) -> Arc<str> {
    let mut kept = String::with_capacity(text.len().min(longest));
    for character in text.chars() {
        if kept.len() + character.len_utf8() > longest {
            break;
        }
        kept.push(if character.is_control() { ' ' } else { character });
    }
    kept.into()
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It did what it was to do.
    Ok,
    /// It failed, and was charged to the job.
    Failed,
    /// It was put off by the other side; the job was not charged.
    Snoozed,
    /// It stopped for a reason of ours, as a shutdown; the job was not charged.
    Interrupted,
    /// Its node was not heard of until the lease had ended; the job was not charged.
    Lost,
    /// It made children that the job now waits for.
    Spawned,
    /// It was cancelled.
    Cancelled,
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// The node on which it ran.
    pub node: Arc<str>,
    /// How it ended.
    pub ended: Ended,
    /// Why, unless it did what it was to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What its handler noted: status, bytes, the address of the server.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub notes: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_failure_is_bounded_and_shows() {
        let failure = Failure::new("st\u{7}atus", &"é".repeat(600));
        assert_eq!(&*failure.class, "st atus");
        assert_eq!(failure.text.len(), 1_000, "500 characters of two bytes");
        assert_eq!(Failure::new("x", &"é€".repeat(300)).text.len(), 1_000);
        assert_eq!(&*Failure::new(&"a".repeat(200), "").class, "a".repeat(100));
    }
}
