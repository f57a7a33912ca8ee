//! What jobs are grouped by.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a kind, and of an aggregation, in bytes.
const LONGEST_KIND: usize = 32;
const LONGEST_NAME: usize = 512;

/// What sort of work a job is: which handler runs it. A word of `a-z`, `0-9` and `-` with a letter first, as `url`.
///
/// A node claims only kinds that it has a handler for. A payload that older nodes would misread gets a kind of its own
/// (`url-2`), which they leave in the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Arc<str>);

impl Kind {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text names no kind or no aggregation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AggregationKeyError {
    /// The kind is no word.
    #[error("a kind of jobs is a word of a-z, 0-9 and -, a letter first, at most 32 characters")]
    Kind,
    /// The name is empty.
    #[error("an aggregation has a name")]
    Empty,
    /// The name is too long.
    #[error("the name of an aggregation has at most 512 bytes, and this one has {0}")]
    Long(usize),
    /// The name has a control character.
    #[error("the name of an aggregation has no control characters")]
    Control,
    /// There is no `/` between kind and name.
    #[error("an aggregation is written KIND/NAME")]
    Separator,
}

impl FromStr for Kind {
    type Err = AggregationKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = text.len() <= LONGEST_KIND
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if is_word {
            Ok(Self(text.into()))
        } else {
            Err(AggregationKeyError::Kind)
        }
    }
}

/// Which aggregation a job belongs to: the kind of its jobs, and a name. Jobs of an aggregation share its limits.
///
/// It is written `KIND/NAME`, as `url/example.com`; the name may have slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregationKey {
    kind: Kind,
    name: Arc<str>,
}

impl AggregationKey {
    /// The aggregation `name` of jobs of `kind`.
    ///
    /// # Errors
    /// If the name is empty, longer than 512 bytes, or has control characters.
    pub fn new(kind: Kind, name: &str) -> Result<Self, AggregationKeyError> {
        if name.is_empty() {
            return Err(AggregationKeyError::Empty);
        }
        if name.len() > LONGEST_NAME {
            return Err(AggregationKeyError::Long(name.len()));
        }
        if name.chars().any(char::is_control) {
            return Err(AggregationKeyError::Control);
        }
        Ok(Self {
            kind,
            name: name.into(),
        })
    }

    /// What sort of work its jobs are.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its name among those of its kind.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for AggregationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl FromStr for AggregationKey {
    type Err = AggregationKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once('/').ok_or(AggregationKeyError::Separator)?;
        Self::new(kind.parse()?, name)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

impl Serialize for AggregationKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AggregationKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key: AggregationKey = "url/https://example.com/a".parse().expect("a key");
        assert_eq!(
            (key.kind().as_str(), key.name()),
            ("url", "https://example.com/a")
        );
        assert_eq!(key.to_string().parse(), Ok(key));
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_reason() {
        for (text, error) in [
            ("url", AggregationKeyError::Separator),
            ("url/", AggregationKeyError::Empty),
            ("Url/a", AggregationKeyError::Kind),
            ("2/a", AggregationKeyError::Kind),
            ("/a", AggregationKeyError::Kind),
            ("url/a\nb", AggregationKeyError::Control),
        ] {
            assert_eq!(text.parse::<AggregationKey>(), Err(error), "{text:?}");
        }
        let long = format!("url/{}", "a".repeat(513));
        assert_eq!(
            long.parse::<AggregationKey>(),
            Err(AggregationKeyError::Long(513))
        );
    }
}
