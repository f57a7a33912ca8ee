//! Two nodes that share a secret, and what travels between them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use stoa_peer::{
    Caller, Exchange, FrameEvent, FrameReader, FrameWriter, Hello, Node, PeerError, Request, Secret, Secrets,
    Session, Sessions, SessionsOptions,
};

/// The header that both sides look at.
pub(crate) const COVERED: HeaderName = HeaderName::from_static("x-covered");

/// Another one, which a request here does not have.
pub(crate) const ABSENT: HeaderName = HeaderName::from_static("x-absent");

/// The list of both.
static SIGNED: [HeaderName; 2] = [COVERED, ABSENT];

/// The secrets of these texts.
pub(crate) fn secrets(texts: &[&str]) -> Secrets {
    let secrets = texts
        .iter()
        .map(|text| Secret::parse(text.as_bytes()).expect("a secret"));
    Secrets::new(secrets.collect()).expect("some secrets")
}

/// The secret of the cluster.
pub(crate) fn cluster() -> Secrets {
    secrets(&["the secret of the cluster"])
}

/// A node of this name.
pub(crate) fn node(name: &str) -> Node {
    Node::new(name.parse().expect("the name of a node"))
}

/// A server of this name.
pub(crate) fn server(name: &str) -> Sessions {
    Sessions::new(node(name), cluster(), SessionsOptions::default())
}

/// A session of a client of this name.
pub(crate) fn session(client: &str, server: &Sessions) -> Session {
    let hello = Hello::new(&node(client), &cluster(), None);
    let answer = server.hello(&hello.body()).expect("an answer");
    hello.finish(&answer).expect("a session")
}

/// A request, as it travels.
#[derive(Clone, Debug)]
pub(crate) struct Travelling {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Travelling {
    /// A request that is not signed.
    pub(crate) fn new() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(COVERED, HeaderValue::from_static("one"));
        headers.append(COVERED, HeaderValue::from_static("two"));
        headers.insert("x-other", HeaderValue::from_static("whatever"));
        Self {
            method: Method::POST,
            target: "/path?query=1".to_owned(),
            headers,
            body: b"body".to_vec(),
        }
    }

    /// A request that is signed, and what its answer is read by.
    pub(crate) fn signed(session: &Session) -> (Self, Exchange) {
        let mut request = Self::new();
        let (tag, exchange) = session.sign(&request.view());
        tag.write(&mut request.headers);
        (request, exchange)
    }

    /// What both sides look at.
    pub(crate) fn view(&self) -> Request<'_> {
        Request {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            covered: &SIGNED,
            body: &self.body,
        }
    }

    /// What a server says of it.
    pub(crate) fn arrives(&self, server: &Sessions) -> Result<Caller, PeerError> {
        server.verify(&self.view())
    }
}

/// The writer and the reader of the answer to one more request.
pub(crate) fn exchange(session: &Session, server: &Sessions) -> (FrameWriter, FrameReader) {
    let (request, exchange) = Travelling::signed(session);
    let caller = request.arrives(server).expect("it is right");
    (caller.exchange.writer(), exchange.reader())
}

/// The writer and the reader of an answer.
pub(crate) fn answer() -> (FrameWriter, FrameReader) {
    let server = server("bob");
    exchange(&session("ada", &server), &server)
}

/// What a reader says of an answer that comes in these pieces and is closed then: what it handed out, and how it ended.
pub(crate) fn read(
    mut reader: FrameReader,
    pieces: impl IntoIterator<Item = Bytes>,
) -> (Vec<FrameEvent>, Result<(), PeerError>) {
    let mut events = Vec::new();
    for mut piece in pieces {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(piece.is_empty(), "everything is taken");
    }
    let end = reader.finish();
    (events, end)
}
