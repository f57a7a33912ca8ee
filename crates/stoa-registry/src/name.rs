//! Names of services, nodes and processes.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The most characters of a name.
const MOST_CHARACTERS: usize = 128;

/// The name of a service: 1 to 128 letters, digits, `.`, `_`, `-` and `:`, and a letter or a digit first. So it can be
/// a part of a path, a key and a file name in every registry. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Arc<str>);

/// The name of a node, unique within its service; of the same characters as a [`ServiceName`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Arc<str>);

/// A text that is no name.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{name:?} is no name of a {of}: a name has 1 to 128 letters, digits, `.`, `_`, `-` and `:`, and begins with a letter or a digit"
)]
pub struct NameError {
    of: &'static str,
    name: String,
}

fn parse(of: &'static str, name: &str) -> Result<Arc<str>, NameError> {
    let first = name.bytes().next();
    let is_good = first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.len() <= MOST_CHARACTERS
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte));
    if is_good {
        return Ok(name.into());
    }
    let name = name.chars().take(MOST_CHARACTERS).collect();
    Err(NameError { of, name })
}

macro_rules! name {
    ($type:ty, $of:literal) => {
        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                parse($of, name).map(Self)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(ServiceName, "service");
name!(NodeId, "node");

/// One life of a process: two processes with one node id differ in it, and so does one process before and after a restart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(u128);

impl InstanceId {
    /// A random one.
    ///
    /// # Panics
    ///
    /// If the machine gives no random bytes.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the machine gives random bytes");
        Self(u128::from_be_bytes(bytes))
    }

    /// The one with this number, for tests whose runs are alike.
    pub const fn from_number(number: u128) -> Self {
        Self(number)
    }

    /// Its 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceId({self})")
    }
}

impl FromStr for InstanceId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| NameError {
            of: "process (32 hexadecimal digits)",
            name: text.chars().take(MOST_CHARACTERS).collect(),
        })
    }
}

impl TryFrom<String> for InstanceId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_a_path() {
        for good in ["a", "stoa-1", "10.0.0.5:3000", "proxy_eu.west"] {
            assert_eq!(
                good.parse::<ServiceName>().map(|name| name.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in ["", ".", "..", "-a", "a/b", "a b", "a\n", "ä", &"a".repeat(129)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_instance_reads_what_it_prints() {
        let instance = InstanceId::from_number(0xfe);
        assert_eq!(instance.to_string().parse(), Ok(instance));
        assert!("fe".parse::<InstanceId>().is_err());
        assert_ne!(InstanceId::random(), InstanceId::random());
    }
}
