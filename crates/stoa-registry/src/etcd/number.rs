//! Numbers and bytes as etcd's gateway writes them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of 64 bits. The gateway writes them as texts, and leaves out zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) i64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of 64 bits, or one as a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                i64::try_from(number).map(Number).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl Number {
    /// As a revision; none is below zero.
    pub(super) fn revision(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }

    /// A revision as etcd counts them. One that is too large for it is one that it has not reached.
    pub(super) fn from_revision(revision: u64) -> Self {
        Self(i64::try_from(revision).unwrap_or(i64::MAX))
    }
}

/// Bytes; base64 on the wire.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        STANDARD
            .decode(text.as_bytes())
            .map(Self)
            .map_err(de::Error::custom)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

impl From<&str> for Blob {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_texts_and_may_be_numbers() {
        assert_eq!(serde_json::to_string(&Number(-1)).unwrap(), "\"-1\"");
        for text in ["\"7751717705889712647\"", "7751717705889712647"] {
            assert_eq!(
                serde_json::from_str::<Number>(text).unwrap(),
                Number(7_751_717_705_889_712_647)
            );
        }
        for bad in [
            "\"\"",
            "1.5",
            "null",
            "\"9223372036854775808\"",
            "18446744073709551615",
        ] {
            assert!(serde_json::from_str::<Number>(bad).is_err(), "{bad}");
        }
        assert_eq!(Number::from_revision(u64::MAX), Number(i64::MAX));
        assert_eq!(Number(-1).revision(), 0);
    }

    #[test]
    fn bytes_are_base64() {
        let json = serde_json::to_string(&Blob::from("/x/a")).unwrap();
        assert_eq!(json, "\"L3gvYQ==\"");
        assert_eq!(serde_json::from_str::<Blob>(&json).unwrap(), Blob::from("/x/a"));
        assert_eq!(
            serde_json::from_str::<Blob>("\"\\u004c3gvYQ==\"").unwrap(),
            Blob::from("/x/a")
        );
        assert!(serde_json::from_str::<Blob>("\"L3gvYQ\"").is_err());
    }
}
