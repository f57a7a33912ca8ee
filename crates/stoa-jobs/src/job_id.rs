//! The id of a job.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a job: 14 characters of `A-Z a-z 0-9 - _`, the first of which is no `-`.
///
/// It is chosen at random and holds 80 bits, so that nobody guesses one; a store refuses one that it has already. An id never
/// looks like an option of a command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Arc<str>);

impl JobId {
    /// The length of an id in characters: ten bytes in base64url.
    pub const LENGTH: usize = 14;

    /// An id of these bytes, which are random; none if it would begin with `-`.
    pub fn of_bytes(bytes: [u8; 10]) -> Option<Self> {
        let text = URL_SAFE_NO_PAD.encode(bytes);
        (!text.starts_with('-')).then(|| Self(text.into()))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is no id of a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job's id has 14 characters of A-Z, a-z, 0-9, - and _, and does not begin with -")]
pub struct JobIdError;

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, JobIdError> {
        let is_id = text.len() == Self::LENGTH
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if is_id {
            Ok(Self(text.into()))
        } else {
            Err(JobIdError)
        }
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = JobId::of_bytes([7; 10]).expect("no dash first");
        assert_eq!(id.as_str().len(), JobId::LENGTH);
        assert_eq!(id.as_str().parse(), Ok(id));
        assert_eq!(JobId::of_bytes([0xf8; 10]), None, "0xf8 encodes as -Pj4");
    }

    #[test]
    fn what_could_be_a_path_or_an_option_is_no_id() {
        for text in [
            "",
            "-aaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaa",
            "../aaaaaaaaaaa",
            "aaaaaaaaaaaaa\u{e9}",
        ] {
            assert_eq!(text.parse::<JobId>(), Err(JobIdError), "{text:?}");
        }
    }
}
