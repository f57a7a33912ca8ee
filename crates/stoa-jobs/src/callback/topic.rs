//! Where callbacks over Kafka go.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a topic, in bytes.
const LONGEST: usize = 249;

/// The name of a topic of Kafka: letters, digits, `.`, `_` and `-`, at most 249 of them, and neither `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaTopic(String);

/// A text is no name of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a topic of Kafka is named by 1 to 249 letters of a-z, A-Z, 0-9, '.', '_' and '-', and is neither '.' nor '..'"
)]
pub struct KafkaTopicError;

impl KafkaTopic {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KafkaTopic {
    type Err = KafkaTopicError;

    fn from_str(text: &str) -> Result<Self, KafkaTopicError> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_topic =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_letter) && !matches!(text, "." | "..");
        is_topic.then(|| Self(text.to_owned())).ok_or(KafkaTopicError)
    }
}

impl fmt::Display for KafkaTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for KafkaTopic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KafkaTopic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kafka() {
        let (longest, longer) = ("x".repeat(249), "x".repeat(250));
        for text in ["a", "downloads", "A.b_c-9", "...", &longest] {
            assert_eq!(
                text.parse::<KafkaTopic>()
                    .map(|topic| topic.to_string())
                    .as_deref(),
                Ok(text)
            );
        }
        for text in ["", ".", "..", "a b", "a/b", "a\0", "tópico", "a\n", &longer] {
            assert_eq!(text.parse::<KafkaTopic>(), Err(KafkaTopicError), "{text}");
        }
    }
}
