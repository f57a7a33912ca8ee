//! What a server judges hellos and requests by.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    Exchange, Node, PeerError, Request, RequestTag, Secrets, SessionId,
    hello_answer::HelloAnswer,
    hello_message::HelloMessage,
    server_session::ServerSession,
    session_table::{Pending, SessionTable},
    signed::Signed,
};

/// How much a server remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsOptions {
    /// The most sessions that had a right request; when there are more, the one that was idle for longest goes. At least 1.
    pub most_established: usize,
    /// The most sessions that had none; when there are more, the oldest goes. At least 1. They are searched one after the other,
    /// so hundreds are right, and millions are not.
    pub most_pending: usize,
    /// How long a session without a request is remembered.
    pub idle: Duration,
}

impl Default for SessionsOptions {
    /// 1024 sessions that are used, 256 that are not yet, and an hour.
    fn default() -> Self {
        Self {
            most_established: 1024,
            most_pending: 256,
            idle: Duration::from_secs(60 * 60),
        }
    }
}

/// Who has sent a request that is right.
#[derive(Debug)]
pub struct Caller {
    /// The node. It has proved that it has the secret.
    pub node: Node,
    /// What the answer is written by.
    pub exchange: Exchange,
}

/// What a server judges hellos and requests by: the sessions that it remembers.
#[derive(Debug)]
pub struct Sessions {
    me: Node,
    secrets: Secrets,
    table: Mutex<SessionTable>,
}

impl Sessions {
    /// No sessions yet, of the server of this node.
    pub fn new(me: Node, secrets: Secrets, options: SessionsOptions) -> Self {
        let SessionsOptions {
            most_established,
            most_pending,
            idle,
        } = options;
        let table = Mutex::new(SessionTable::new(most_pending, most_established, idle));
        Self { me, secrets, table }
    }

    /// Answers the body of a hello, of which more than [`LARGEST_HELLO`](crate::LARGEST_HELLO) bytes need not be read. A hello that
    /// comes again before it is used gets the same answer.
    pub fn hello(&self, body: &[u8]) -> Result<Bytes, PeerError> {
        let hello = Signed::<HelloMessage>::read(body)?;
        let mut secrets = self.secrets.all().map(crate::Secret::key);
        let secret = secrets.find(|key| hello.is_by(key)).ok_or(PeerError::BadSecret)?;
        if let Some(expected) = &hello.said.expects
            && *expected != self.me.id
        {
            return Err(PeerError::WrongNode {
                theirs: self.me.id.clone(),
                expected: expected.clone(),
            });
        }
        let now = Instant::now();
        let mut table = self.table.lock();
        if let Some(answer) = table.answer(&hello.mac, now) {
            return Ok(answer);
        }
        let said = HelloAnswer::new(&self.me);
        let (id, key) = (said.session, said.session_key(&hello.said, secret));
        let session = Arc::new(ServerSession::new(id, hello.said.speaker(), key));
        let answer = said.sign(&hello.said, secret).write();
        table.add(
            Pending {
                session,
                hello: hello.mac,
                answer: answer.clone(),
            },
            now,
        );
        Ok(answer)
    }

    /// Whether there is such a session. Without it a request cannot be right, so its body need not be read.
    pub fn knows(&self, session: &SessionId) -> bool {
        self.table.lock().find(session, Instant::now()).is_some()
    }

    /// Lets a request in that a node of the cluster has signed, and that has not been here before.
    pub fn verify(&self, request: &Request<'_>) -> Result<Caller, PeerError> {
        let tag = RequestTag::read(request.headers)?;
        let found = self.table.lock().find(&tag.session, Instant::now());
        let session = found.ok_or(PeerError::UnknownSession)?;
        session.admit(&tag, request)?;
        if !self.table.lock().used(&tag.session, Instant::now()) {
            return Err(PeerError::UnknownSession);
        }
        let node = session.peer.clone();
        let exchange = Exchange::new(session.key.clone(), tag.sequence);
        Ok(Caller { node, exchange })
    }

    /// How many sessions had a right request.
    pub fn established(&self) -> usize {
        self.table.lock().counts().0
    }

    /// How many sessions had none yet.
    pub fn pending(&self) -> usize {
        self.table.lock().counts().1
    }
}
