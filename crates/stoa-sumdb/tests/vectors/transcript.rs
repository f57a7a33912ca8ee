use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use serde_json::Value;
use stoa_module::{ModulePath, ModuleVersion, Version};
use stoa_sumdb::{
    BoxError, Client, Port, RecordText, RemoteError, RemotePath, SignedNote, Swap, Tile, TreeHead,
    VerifierKey,
};

use crate::server::Server;
use crate::{all, assert_fields, bytes, cases, number, text};

/// The exchanges by path.
fn exchanges(vectors: &Value) -> HashMap<&str, &Value> {
    assert_fields(vectors, &["records", "transcript", "vkey"]);
    let exchanges: HashMap<&str, &Value> = cases(vectors, "transcript", 23)
        .iter()
        .map(|case| (text(case, "path"), case))
        .collect();
    assert!(exchanges.len() >= 23);
    exchanges
}

fn key(vectors: &Value) -> VerifierKey {
    text(vectors, "vkey").parse().expect("a key")
}

fn records(exchanges: &HashMap<&str, &Value>) -> Vec<RecordText> {
    ["tile/8/data/000", "tile/8/data/001.p/44"]
        .iter()
        .flat_map(|path| {
            let data = bytes(exchanges[format!("/{path}").as_str()], "body_b64");
            RecordText::split_tile(path.parse::<Tile>().expect("a path"), &data).expect("records")
        })
        .collect()
}

#[test]
fn the_head_is_that_of_the_records() {
    for vectors in all("sumdb_transcript") {
        let exchanges = exchanges(&vectors);
        let head = bytes(exchanges["/latest"], "body_b64");
        let note = SignedNote::open(&head, &key(&vectors).into()).expect("signed");
        let tree = TreeHead::parse(note.text()).expect("a head");
        assert_eq!(tree.size.get(), number(&vectors, "records"));
        let server = Server::new(head, records(&exchanges));
        assert_eq!(server.log.head_at(tree.size), Ok(tree));
    }
}

#[test]
fn a_server_gives_the_same_answers() {
    for vectors in all("sumdb_transcript") {
        let exchanges = exchanges(&vectors);
        let server = Server::new(bytes(exchanges["/latest"], "body_b64"), records(&exchanges));
        for (path, case) in exchanges {
            assert_fields(case, &["body_b64", "content_type", "path", "status"]);
            let (status, content_type, body) = server.answer(path);
            assert_eq!(
                (status, content_type),
                (number(case, "status"), text(case, "content_type")),
                "{path}"
            );
            assert_eq!(
                String::from_utf8_lossy(&body),
                String::from_utf8_lossy(&bytes(case, "body_b64")),
                "{path}"
            );
        }
    }
}

/// Answers as was recorded, and remembers nothing.
struct Transcript(HashMap<String, (u64, Vec<u8>)>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Port for Transcript {
    async fn read_remote(&self, path: &RemotePath) -> Result<Vec<u8>, RemoteError> {
        match self.0.get(&path.to_string()) {
            Some((200, body)) => Ok(body.clone()),
            Some((_, body)) => Err(RemoteError::NotFound {
                gone: false,
                message: String::from_utf8_lossy(body).into(),
            }),
            None => panic!("{path} is not in the transcript"),
        }
    }

    async fn read_cache(&self, _path: &RemotePath) -> Option<Vec<u8>> {
        None
    }

    async fn write_cache(&self, _path: &RemotePath, _data: &[u8]) {}

    async fn read_latest(&self) -> Result<Vec<u8>, BoxError> {
        Ok(Vec::new())
    }

    async fn swap_latest(&self, _old: &[u8], _new: &[u8]) -> Result<Swap, BoxError> {
        Ok(Swap::Done)
    }
}

/// The client asks for nothing but what Go's client asks for, and believes what Go's server says.
#[test]
fn the_client_believes_it() {
    for vectors in all("sumdb_transcript") {
        let exchanges = exchanges(&vectors);
        let port = Transcript(
            exchanges
                .iter()
                .map(|(path, case)| {
                    (
                        (*path).to_owned(),
                        (number(case, "status"), bytes(case, "body_b64")),
                    )
                })
                .collect(),
        );
        let client = Client::new(Arc::new(port), key(&vectors));
        let mut looked_up = 0;
        for (path, case) in exchanges {
            let Ok(RemotePath::Lookup(module)) = path.parse() else {
                continue;
            };
            let outcome = ready(client.lookup(&module));
            assert_eq!(
                outcome.is_ok(),
                number(case, "status") == 200,
                "{path}: {outcome:?}"
            );
            if let Ok(lookup) = outcome {
                assert_eq!(lookup.answer, bytes(case, "body_b64"), "{path}");
                let body = String::from_utf8(lookup.answer).expect("text");
                let lines: Vec<&str> = body.lines().skip(1).take(2).collect();
                assert_eq!(lookup.sums.lines().collect::<Vec<_>>(), lines);
                looked_up += 1;
            }
        }
        assert!(looked_up >= 6);
        let path = ModulePath::parse("example.com/m1").expect("a path");
        let module =
            ModuleVersion::new(path, Version::parse("v1.0.0").expect("a version")).expect("a module");
        assert!(ready(client.lookup(&module)).is_ok());
        assert!(ready(client.refresh()).is_ok());
    }
}

/// The outcome of a future that waits for nothing.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the future waits"),
    }
}
