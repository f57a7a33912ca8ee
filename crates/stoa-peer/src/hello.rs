//! How a client begins a session.

use bytes::Bytes;

use crate::{
    Node, NodeId, PeerError, Secret, Secrets, Session, hello_answer::HelloAnswer,
    hello_message::HelloMessage, signed::Signed,
};

/// A hello of a client that waits for its answer.
///
/// Its [`body`](Self::body) is posted to [`HELLO_PATH`](crate::names::HELLO_PATH). It may be sent again if no answer came.
#[derive(Debug)]
pub struct Hello {
    secret: Secret,
    message: HelloMessage,
    body: Bytes,
}

impl Hello {
    /// A hello of this node, with the first of its secrets. Any node may answer it, or only the one that is expected.
    pub fn new(me: &Node, secrets: &Secrets, expects: Option<NodeId>) -> Self {
        let secret = secrets.first().clone();
        let signed = HelloMessage::new(me, expects).sign(secret.key());
        let body = signed.write();
        Self {
            secret,
            message: signed.said,
            body,
        }
    }

    /// What is sent: JSON.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Makes the session of the body that a server has answered with. It proves that the server has the secret, that it has
    /// seen this hello, and which node it is.
    pub fn finish(&self, answer: &[u8]) -> Result<Session, PeerError> {
        let answer = Signed::<HelloAnswer>::read(answer)?;
        if !answer.is_by(&self.message, self.secret.key()) {
            return Err(PeerError::BadSecret);
        }
        let peer = answer.said.speaker();
        if let Some(expected) = &self.message.expects
            && *expected != peer.id
        {
            return Err(PeerError::WrongNode {
                theirs: peer.id,
                expected: expected.clone(),
            });
        }
        let key = answer.said.session_key(&self.message, self.secret.key());
        Ok(Session::new(answer.said.session, peer, key))
    }
}
