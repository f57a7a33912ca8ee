//! Why an exchange does not come about.

use std::{error::Error, sync::Arc};

use crate::NodeId;

/// Why an exchange does not come about, or an answer is not to be trusted. No text of it has anything secret.
///
/// What a client is told by a [`Refusal`](crate::Refusal) is not authenticated: it says what to try next, and nothing of what
/// became of a request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeerError {
    /// A hello, or the answer to one, was not made with a secret that is accepted here.
    #[error("the peer does not have the same secret")]
    BadSecret,
    /// Something is not what its sender signed: it was changed, or signed by somebody else, or belongs elsewhere.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The server does not know the session, or no longer. A client makes a new [`Hello`](crate::Hello), once.
    #[error("the peer does not know the session")]
    UnknownSession,
    /// The request has been here before.
    #[error("the request has been received before")]
    Replayed,
    /// [`WINDOW`](crate::WINDOW) later requests of the session have come first, so nobody remembers whether this one has been
    /// here before.
    #[error("the request comes too late to tell whether it has been received before")]
    TooOld,
    /// Another node answers than the one that was meant.
    #[error("the peer is the node {theirs}, and {expected} was expected")]
    WrongNode {
        /// Who answers.
        theirs: NodeId,
        /// Who was meant.
        expected: NodeId,
    },
    /// Something is larger than it may be. Says what.
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// An answer ended before it was complete.
    #[error("the answer is not complete")]
    Truncated,
    /// Something is not in the form that it must have. Says what.
    #[error("not understood: {0}")]
    Malformed(&'static str),
    /// The peer speaks another version. It is not authenticated, so nobody may fall back to an older version because of it.
    #[error("the peer speaks version {theirs}, and {ours} is spoken here")]
    VersionMismatch {
        /// What the peer speaks.
        theirs: u32,
        /// What is spoken here.
        ours: u32,
    },
    /// The hello, or its answer, did not come through. It is for what carries the messages; nothing here makes it.
    #[error("the peer cannot be reached")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
}
