//! What a server says in the place of an answer.

use std::{fmt, str::FromStr};

use http::{HeaderValue, StatusCode};

use crate::{NodeId, PeerError, signed::VERSION};

/// What a server says in the place of an answer: a status, and the value of the header [`REFUSED`](crate::names::REFUSED).
///
/// Nothing proves it, since a client whose session is gone has no key to prove it by. So it only says what to try next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The hello was made with another secret.
    Secret,
    /// The request is not the one that was signed.
    Request,
    /// There is no such session: the client says hello again, once.
    UnknownSession,
    /// The request has been here before.
    Replayed,
    /// The request has come too late. It may be signed again.
    TooOld,
    /// The hello is too large.
    TooLarge,
    /// The hello, or the headers of the request, were not understood.
    Malformed,
    /// This node is another one than the hello expects.
    WrongNode(NodeId),
    /// This version is spoken here.
    Version(u32),
}

impl Refusal {
    /// The status that goes with it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Secret | Self::Request => StatusCode::FORBIDDEN,
            Self::UnknownSession => StatusCode::UNAUTHORIZED,
            Self::Replayed | Self::TooOld => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed | Self::Version(_) => StatusCode::BAD_REQUEST,
            Self::WrongNode(_) => StatusCode::MISDIRECTED_REQUEST,
        }
    }

    /// The value of the header.
    pub fn value(&self) -> HeaderValue {
        let Ok(value) = HeaderValue::from_str(&self.to_string()) else {
            unreachable!("words, names of nodes and numbers are visible")
        };
        value
    }

    /// The refusal that the value of the header says, if it says one.
    pub fn read(value: &HeaderValue) -> Option<Self> {
        value.to_str().ok()?.parse().ok()
    }

    /// What it means to a client that expected this node, if it expected one.
    pub fn meaning(self, expected: Option<&NodeId>) -> PeerError {
        match (self, expected) {
            (Self::Secret, _) => PeerError::BadSecret,
            (Self::Request, _) => {
                PeerError::Refused("the peer says that it is not the request that was signed")
            }
            (Self::UnknownSession, _) => PeerError::UnknownSession,
            (Self::Replayed, _) => PeerError::Replayed,
            (Self::TooOld, _) => PeerError::TooOld,
            (Self::TooLarge, _) => PeerError::TooLarge("the peer does not take so much"),
            (Self::Malformed, _) => PeerError::Malformed("the peer does not understand it"),
            (Self::WrongNode(theirs), Some(expected)) => PeerError::WrongNode {
                theirs,
                expected: expected.clone(),
            },
            (Self::WrongNode(_), None) => {
                PeerError::Malformed("no node was expected, and the peer is another one")
            }
            (Self::Version(theirs), _) => PeerError::VersionMismatch {
                theirs,
                ours: VERSION,
            },
        }
    }
}

impl From<&PeerError> for Refusal {
    /// What a server says of what it found.
    fn from(error: &PeerError) -> Self {
        match error {
            PeerError::BadSecret => Self::Secret,
            PeerError::Refused(_) => Self::Request,
            PeerError::UnknownSession => Self::UnknownSession,
            PeerError::Replayed => Self::Replayed,
            PeerError::TooOld => Self::TooOld,
            PeerError::WrongNode { theirs, .. } => Self::WrongNode(theirs.clone()),
            PeerError::TooLarge(_) => Self::TooLarge,
            PeerError::Truncated | PeerError::Malformed(_) | PeerError::Unreachable(_) => Self::Malformed,
            PeerError::VersionMismatch { .. } => Self::Version(VERSION),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("secret"),
            Self::Request => f.write_str("request"),
            Self::UnknownSession => f.write_str("unknown-session"),
            Self::Replayed => f.write_str("replayed"),
            Self::TooOld => f.write_str("too-old"),
            Self::TooLarge => f.write_str("too-large"),
            Self::Malformed => f.write_str("malformed"),
            Self::WrongNode(node) => write!(f, "wrong-node {node}"),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

/// The text is no refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no refusal that is known here")]
pub struct RefusalError;

impl FromStr for Refusal {
    type Err = RefusalError;

    fn from_str(text: &str) -> Result<Self, RefusalError> {
        let plain = match text {
            "secret" => Self::Secret,
            "request" => Self::Request,
            "unknown-session" => Self::UnknownSession,
            "replayed" => Self::Replayed,
            "too-old" => Self::TooOld,
            "too-large" => Self::TooLarge,
            "malformed" => Self::Malformed,
            _ => match text.split_once(' ') {
                Some(("wrong-node", node)) => Self::WrongNode(node.parse().map_err(|_| RefusalError)?),
                Some(("version", version)) => Self::Version(version.parse().map_err(|_| RefusalError)?),
                _ => return Err(RefusalError),
            },
        };
        Ok(plain)
    }
}
