//! What hello and answer prove.

use std::collections::HashSet;

use serde_json::Value;
use stoa_peer::{Hello, LARGEST_HELLO, NodeId, PeerError, Sessions, SessionsOptions};

use crate::support::{Travelling, cluster, node, secrets, server, session};

/// All ways to change one value of a message: a digit or letter more of a text, one more of a number, and a field less.
fn changes(message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let message: Value = serde_json::from_slice(message).expect("JSON");
    let mut changed = Vec::new();
    let fields = message["said"]
        .as_object()
        .expect("an object")
        .keys()
        .map(|key| format!("/said/{key}"));
    for field in fields.chain(["/mac".to_owned()]) {
        let mut other = message.clone();
        let value = other.pointer_mut(&field).expect("the field");
        *value = match &*value {
            Value::Number(number) => (number.as_u64().expect("a number") + 1).into(),
            Value::String(text) => {
                let last = if text.ends_with('1') { "2" } else { "1" };
                format!("{}{last}", &text[..text.len() - 1]).into()
            }
            other => unreachable!("{other}"),
        };
        changed.push((field, other.to_string().into_bytes()));
    }
    changed
}

#[test]
fn both_know_each_other() {
    let (ada, bob) = (node("ada"), node("bob"));
    let server = Sessions::new(bob.clone(), cluster(), SessionsOptions::default());
    let hello = Hello::new(&ada, &cluster(), Some(bob.id.clone()));
    let session = hello
        .finish(&server.hello(&hello.body()).expect("an answer"))
        .expect("a session");
    assert_eq!(session.peer(), &bob);
    let caller = Travelling::signed(&session)
        .0
        .arrives(&server)
        .expect("it is right");
    assert_eq!(caller.node, ada);
    assert_eq!(caller.exchange.sequence(), 1);
}

#[test]
fn another_secret_is_refused_by_the_server() {
    let hello = Hello::new(&node("eve"), &secrets(&["the secret of another cluster"]), None);
    let server = server("bob");
    assert!(matches!(server.hello(&hello.body()), Err(PeerError::BadSecret)));
    assert_eq!(server.pending(), 0);
}

#[test]
fn another_secret_is_refused_by_the_client() {
    // Eve answers without the secret: with her own, and with the answer to her own hello.
    let others = secrets(&["the secret of another cluster"]);
    let eve = Sessions::new(node("bob"), others.clone(), SessionsOptions::default());
    let hello = Hello::new(&node("ada"), &cluster(), None);
    assert!(matches!(eve.hello(&hello.body()), Err(PeerError::BadSecret)));
    let answer = eve
        .hello(&Hello::new(&node("eve"), &others, None).body())
        .expect("an answer");
    assert!(matches!(hello.finish(&answer), Err(PeerError::BadSecret)));
    // She sends the hello back, as if it were an answer.
    assert!(matches!(
        hello.finish(&hello.body()),
        Err(PeerError::Malformed(_))
    ));
}

#[test]
fn an_answer_is_for_one_hello() {
    let server = server("bob");
    let ada = node("ada");
    let [first, second] = [(); 2].map(|()| Hello::new(&ada, &cluster(), None));
    let old = server.hello(&first.body()).expect("an answer");
    assert!(matches!(second.finish(&old), Err(PeerError::BadSecret)));
}

#[test]
fn a_hello_that_comes_again_makes_no_second_session() {
    let server = server("bob");
    let hello = Hello::new(&node("ada"), &cluster(), None);
    let answers: HashSet<_> = (0..1000)
        .map(|_| server.hello(&hello.body()).expect("an answer"))
        .collect();
    assert_eq!(answers.len(), 1);
    assert_eq!((server.established(), server.pending()), (0, 1));
}

#[test]
fn a_hello_that_comes_again_later_gives_no_key() {
    let server = server("bob");
    let hello = Hello::new(&node("ada"), &cluster(), None);
    let session = hello
        .finish(&server.hello(&hello.body()).expect("an answer"))
        .expect("a session");
    let (request, _) = Travelling::signed(&session);
    request.arrives(&server).expect("it is right");

    // Somebody who has seen all of it gets another session, whose key he does not have: what was signed for the first is
    // nothing in the second.
    let answer = server.hello(&hello.body()).expect("an answer");
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let other = answer["said"]["session"].as_str().expect("a session");
    assert_ne!(other, session.id().to_string());
    let (mut forged, _) = Travelling::signed(&session);
    forged
        .headers
        .insert("stoa-peer-session", other.parse().expect("a value"));
    assert!(matches!(forged.arrives(&server), Err(PeerError::Refused(_))));
    assert_eq!((server.established(), server.pending()), (1, 1));
}

#[test]
fn every_field_of_both_is_proved() {
    let server = server("bob");
    let hello = Hello::new(&node("ada"), &cluster(), Some(node("bob").id));
    let changed = changes(&hello.body());
    assert_eq!(changed.len(), 6);
    for (field, body) in changed {
        let error = server.hello(&body).expect_err(&field);
        let version =
            field == "/said/version" && matches!(error, PeerError::VersionMismatch { theirs: 2, ours: 1 });
        assert!(
            version || matches!(error, PeerError::BadSecret),
            "{field}: {error}"
        );
    }
    assert_eq!(server.pending(), 0);
    let changed = changes(&server.hello(&hello.body()).expect("an answer"));
    assert_eq!(changed.len(), 6);
    for (field, body) in changed {
        let error = hello.finish(&body).expect_err(&field);
        let version =
            field == "/said/version" && matches!(error, PeerError::VersionMismatch { theirs: 2, ours: 1 });
        assert!(
            version || matches!(error, PeerError::BadSecret),
            "{field}: {error}"
        );
    }
}

#[test]
fn what_is_expected_cannot_be_taken_away() {
    let hello = Hello::new(&node("ada"), &cluster(), Some(node("bob").id));
    let mut message: Value = serde_json::from_slice(&hello.body()).expect("JSON");
    message["said"]
        .as_object_mut()
        .expect("an object")
        .remove("expects");
    assert!(matches!(
        server("carol").hello(message.to_string().as_bytes()),
        Err(PeerError::BadSecret)
    ));
}

#[test]
fn another_node_than_the_expected_one_is_named() {
    let hello = Hello::new(&node("ada"), &cluster(), Some(node("bob").id));
    let error = server("carol").hello(&hello.body()).expect_err("it is not bob");
    assert_eq!(
        error.to_string(),
        "the peer is the node carol, and bob was expected"
    );
    assert!(matches!(error, PeerError::WrongNode { theirs, expected }
        if theirs == node("carol").id && expected == node("bob").id));
}

#[test]
fn a_node_finds_out_that_it_talks_to_itself() {
    let ada = node("ada");
    let server = Sessions::new(ada.clone(), cluster(), SessionsOptions::default());
    let hello = Hello::new(&ada, &cluster(), None);
    let session = hello
        .finish(&server.hello(&hello.body()).expect("an answer"))
        .expect("a session");
    assert_eq!(session.peer(), &ada);
    // Another process of the same name is somebody else.
    assert_ne!(session.peer(), &node("ada"));
}

#[test]
fn secrets_change_without_a_gap() {
    let (old, new) = ("the old secret of the cluster", "the new secret of the cluster");
    let steps: [&[&str]; 4] = [&[old], &[old, new], &[new, old], &[new]];
    let talk = |client: &[&str], server: &[&str]| {
        let server = Sessions::new(node("bob"), secrets(server), SessionsOptions::default());
        let hello = Hello::new(&node("ada"), &secrets(client), None);
        let session = hello.finish(&server.hello(&hello.body())?)?;
        Travelling::signed(&session).0.arrives(&server)
    };
    for pair in steps.windows(2) {
        for (client, server) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            talk(client, server).unwrap_or_else(|error| panic!("{client:?} to {server:?}: {error}"));
        }
    }
    assert!(matches!(talk(&[new], &[old]), Err(PeerError::BadSecret)));
}

#[test]
fn hostile_bytes_are_bounded_and_refused() {
    let server = server("bob");
    let large = vec![b' '; LARGEST_HELLO + 1];
    assert!(matches!(server.hello(&large), Err(PeerError::TooLarge(_))));
    let nested = "[".repeat(LARGEST_HELLO);
    let hello = Hello::new(&node("ada"), &cluster(), None).body();
    let more = String::from_utf8(hello.to_vec())
        .expect("text")
        .replace("\"said\":{", "\"said\":{\"more\":1,");
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "{\"said\":{\"version\":1}}",
        &nested,
        &more,
        "\u{0}",
    ] {
        let error = server.hello(body.as_bytes()).expect_err(body);
        assert!(matches!(error, PeerError::Malformed(_)), "{body}: {error}");
    }
    for cut in 0..hello.len() {
        assert!(server.hello(&hello[..cut]).is_err(), "{cut}");
    }
    assert_eq!(server.pending(), 0);
}

#[test]
fn another_version_is_told_from_a_bad_message() {
    let later = br#"{"said":{"version":7,"whatever":[]},"signature":"x"}"#;
    assert!(matches!(
        server("bob").hello(later),
        Err(PeerError::VersionMismatch { theirs: 7, ours: 1 })
    ));
    let hello = Hello::new(&node("ada"), &cluster(), None);
    assert!(matches!(
        hello.finish(later),
        Err(PeerError::VersionMismatch { theirs: 7, ours: 1 })
    ));
}

#[test]
fn sessions_have_their_own_keys() {
    let server = server("bob");
    let ids: HashSet<_> = (0..100).map(|_| session("ada", &server).id()).collect();
    assert_eq!(ids.len(), 100);
}

#[test]
fn names_of_nodes_are_visible() {
    let longest = "x".repeat(128);
    for name in ["a", "stoa-1.stoa.svc:3000", "[::1]:3000", &longest] {
        assert_eq!(name.parse::<NodeId>().expect("a name").to_string(), name);
    }
    for name in ["", " ", "a b", "a\n", "a\u{7f}", "\u{e4}", &"x".repeat(129)] {
        assert!(name.parse::<NodeId>().is_err(), "{name:?}");
    }
}
