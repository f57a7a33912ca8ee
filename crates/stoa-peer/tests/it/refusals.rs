//! What servers say in the place of answers.

use http::HeaderValue;
use stoa_peer::{PeerError, Refusal};

use crate::support::node;

#[test]
fn what_is_refused_means_the_same_to_the_client() {
    let (theirs, expected) = (node("carol").id, node("bob").id);
    let wrong = PeerError::WrongNode {
        theirs,
        expected: expected.clone(),
    };
    let errors = [
        (PeerError::BadSecret, 403, "secret"),
        (PeerError::Refused("why"), 403, "request"),
        (PeerError::UnknownSession, 401, "unknown-session"),
        (PeerError::Replayed, 409, "replayed"),
        (PeerError::TooOld, 409, "too-old"),
        (wrong, 421, "wrong-node carol"),
        (PeerError::TooLarge("what"), 413, "too-large"),
        (PeerError::Malformed("what"), 400, "malformed"),
        (
            PeerError::VersionMismatch { theirs: 2, ours: 1 },
            400,
            "version 1",
        ),
    ];
    for (error, status, value) in errors {
        let refusal = Refusal::from(&error);
        assert_eq!(
            (refusal.status().as_u16(), refusal.value()),
            (status, HeaderValue::from_static(value))
        );
        let read = Refusal::read(&refusal.value()).expect("a refusal");
        assert_eq!(read, refusal);
        let meaning = read.meaning(Some(&expected));
        assert_eq!(
            std::mem::discriminant(&meaning),
            std::mem::discriminant(&error),
            "{value}"
        );
    }
}

#[test]
fn nothing_else_is_a_refusal() {
    let values: [&[u8]; 8] = [
        b"",
        b"Secret",
        b"wrong-node ",
        b"wrong-node a b",
        b"version",
        b"version -1",
        b"version 4294967296",
        b"\xff",
    ];
    for value in values {
        let value = HeaderValue::from_bytes(value).expect("a value");
        assert_eq!(Refusal::read(&value), None, "{value:?}");
    }
}
