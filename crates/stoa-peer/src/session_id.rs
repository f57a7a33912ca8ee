//! What names a session.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hex::Hex;

/// What names a session: 16 random bytes of the server. It is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Hex<16>);

impl SessionId {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(Hex::random())
    }

    /// The session that these digits name.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        Hex::parse(text).map(Self)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8; 16] {
        &self.0.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
