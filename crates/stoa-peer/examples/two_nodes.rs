//! Two nodes in one process exchange a file. Then the server starts anew, and somebody in the middle tries his luck.

use std::io::{self, Write as _};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header};
use stoa_peer::{
    FrameEvent, Hello, Node, NodeIdError, PeerError, Refusal, Request, Secret, Secrets, SessionSlot,
    Sessions, SessionsOptions, names,
};

/// The headers that both sides have agreed on.
const COVERED: &[HeaderName] = &[header::RANGE];

/// A request as it travels.
fn request<'a>(target: &'a str, headers: &'a HeaderMap) -> Request<'a> {
    Request {
        method: &Method::GET,
        target,
        headers,
        covered: COVERED,
        body: b"",
    }
}

/// What the server does with a request: the bytes of a framed answer.
fn serve(server: &Sessions, target: &str, headers: &HeaderMap) -> Result<Vec<Bytes>, PeerError> {
    let caller = server.verify(&request(target, headers))?;
    let mut writer = caller.exchange.writer();
    let mut wire = vec![
        writer.keepalive()?,
        writer.header(&serde_json::json!({"status": 200, "for": caller.node.id}))?,
    ];
    for _ in 0..3 {
        wire.extend(writer.data(Bytes::from(vec![b'x'; 100_000]))?);
    }
    wire.push(writer.end()?);
    Ok(wire)
}

/// What the client does: it has a session, or says hello, and says hello once more if the server has forgotten it.
async fn fetch(slot: &SessionSlot, client: &Client, server: &Sessions) -> Result<(Bytes, usize), PeerError> {
    for last in [false, true] {
        let session = slot.get_or_hello(|| async { client.hello(server) }).await?;
        let mut headers = HeaderMap::new();
        let (tag, exchange) = session.sign(&request("/file?part=1", &headers));
        tag.write(&mut headers);
        let wire = match serve(server, "/file?part=1", &headers) {
            Err(PeerError::UnknownSession) if !last => {
                slot.forget(&session);
                continue;
            }
            wire => wire?,
        };
        let mut reader = exchange.reader();
        let (mut header, mut length) = (Bytes::new(), 0);
        for mut piece in wire {
            while let Some(event) = reader.next(&mut piece)? {
                match event {
                    FrameEvent::Header(json) => header = json,
                    FrameEvent::Data(data) => length += data.len(),
                    FrameEvent::Keepalive | FrameEvent::End | FrameEvent::Error(_) => {}
                }
            }
        }
        reader.finish()?;
        return Ok((header, length));
    }
    Err(PeerError::UnknownSession)
}

/// A node that asks others.
struct Client {
    me: Node,
    secrets: Secrets,
}

impl Client {
    /// Says hello, which is a request over the network elsewhere.
    fn hello(&self, server: &Sessions) -> Result<stoa_peer::Session, PeerError> {
        let hello = Hello::new(&self.me, &self.secrets, None);
        hello.finish(&server.hello(&hello.body())?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let secrets: Secrets = Secret::parse(b"a secret of both nodes, which is no good one\n")?.into();
    let client = Client {
        me: Node::new("ada".parse()?),
        secrets: secrets.clone(),
    };
    let start = || -> Result<Sessions, NodeIdError> {
        let me = Node::new("bob".parse()?);
        Ok(Sessions::new(me, secrets.clone(), SessionsOptions::default()))
    };

    let server = start()?;
    let slot = SessionSlot::new();
    let (header, length) = fetch(&slot, &client, &server).await?;
    writeln!(out, "{header:?} and {length} bytes")?;

    let server = start()?;
    let (_, length) = fetch(&slot, &client, &server).await?;
    writeln!(
        out,
        "after the server started anew: {length} bytes, by another hello"
    )?;

    let session = slot.current().ok_or("a session")?;
    let mut headers = HeaderMap::new();
    let (tag, _) = session.sign(&request("/file", &headers));
    tag.write(&mut headers);
    for (what, target) in [
        ("changed", "/secrets"),
        ("as it was", "/file"),
        ("repeated", "/file"),
    ] {
        match serve(&server, target, &headers) {
            Ok(wire) => writeln!(out, "{what}: answered in {} pieces", wire.len())?,
            Err(error) => {
                let refusal = Refusal::from(&error);
                writeln!(
                    out,
                    "{what}: {}, {}: {refusal} ({error})",
                    refusal.status(),
                    names::REFUSED
                )?;
            }
        }
    }
    Ok(())
}
