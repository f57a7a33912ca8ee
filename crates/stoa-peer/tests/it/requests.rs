//! What a signed request proves.

use std::{sync::Arc, thread};

use http::{HeaderMap, HeaderValue, Method};
use stoa_peer::{PeerError, RequestTag, WINDOW};

use crate::support::{ABSENT, COVERED, Travelling, server, session};

/// A change of a request, and its name.
type Change = (&'static str, fn(&mut Travelling));

#[test]
fn a_request_comes_once() {
    let server = server("bob");
    let session = session("ada", &server);
    let (request, _) = Travelling::signed(&session);
    assert_eq!(
        request.arrives(&server).expect("it is right").exchange.sequence(),
        1
    );
    for _ in 0..3 {
        assert!(matches!(request.arrives(&server), Err(PeerError::Replayed)));
    }
    let (request, _) = Travelling::signed(&session);
    assert_eq!(
        request.arrives(&server).expect("it is right").exchange.sequence(),
        2
    );
}

#[test]
fn what_is_changed_is_refused_and_uses_up_nothing() {
    let changes: &[Change] = &[
        ("method", |request| request.method = Method::PUT),
        ("path", |request| request.target = "/Path?query=1".into()),
        ("query", |request| request.target = "/path?query=2".into()),
        ("no query", |request| request.target = "/path".into()),
        ("value", |request| {
            request.headers.insert(COVERED, HeaderValue::from_static("one"));
        }),
        ("joined values", |request| {
            request
                .headers
                .insert(COVERED, HeaderValue::from_static("one, two"));
        }),
        ("more values", |request| {
            request.headers.append(COVERED, HeaderValue::from_static("three"));
        }),
        ("order of values", |request| {
            request.headers.insert(COVERED, HeaderValue::from_static("two"));
            request.headers.append(COVERED, HeaderValue::from_static("one"));
        }),
        ("no values", |request| {
            request.headers.remove(COVERED);
        }),
        ("a value of a header that was absent", |request| {
            request.headers.insert(ABSENT, HeaderValue::from_static(""));
        }),
        ("body", |request| request.body[0] ^= 1),
        ("no body", |request| request.body.clear()),
        ("longer body", |request| request.body.push(0)),
        ("number", |request| {
            request
                .headers
                .insert("stoa-peer-sequence", HeaderValue::from_static("2"));
        }),
        ("largest number", |request| {
            request.headers.insert(
                "stoa-peer-sequence",
                HeaderValue::from_static("18446744073709551615"),
            );
        }),
        ("code", |request| {
            let digits = "0".repeat(64).parse().expect("a value");
            request.headers.insert("stoa-peer-mac", digits);
        }),
    ];
    let server = server("bob");
    let (request, _) = Travelling::signed(&session("ada", &server));
    for (what, change) in changes {
        let mut changed = request.clone();
        change(&mut changed);
        assert!(
            matches!(changed.arrives(&server), Err(PeerError::Refused(_))),
            "{what}"
        );
        assert_eq!(server.established(), 0, "{what}");
    }
    let mut other = request.clone();
    other
        .headers
        .insert("x-other", HeaderValue::from_static("not covered"));
    other.arrives(&server).expect("it is right");
}

#[test]
fn a_value_is_not_taken_for_the_name_of_the_next_header() {
    let server = server("bob");
    let session = session("ada", &server);
    let mut request = Travelling::new();
    request
        .headers
        .insert(COVERED, HeaderValue::from_static("x-absent"));
    let (tag, _) = session.sign(&request.view());
    request.headers.remove(COVERED);
    request
        .headers
        .insert(ABSENT, HeaderValue::from_static("x-absent"));
    tag.write(&mut request.headers);
    assert!(matches!(request.arrives(&server), Err(PeerError::Refused(_))));
}

#[test]
fn every_bit_of_the_code_counts() {
    let server = server("bob");
    let (request, _) = Travelling::signed(&session("ada", &server));
    let digits = request.headers["stoa-peer-mac"]
        .to_str()
        .expect("digits")
        .to_owned();
    for at in 0..digits.len() {
        for bit in 0..4 {
            let digit = u32::from_str_radix(&digits[at..=at], 16).expect("a digit") ^ (1 << bit);
            let changed = format!("{}{digit:x}{}", &digits[..at], &digits[at + 1..]);
            let mut changed_request = request.clone();
            changed_request
                .headers
                .insert("stoa-peer-mac", changed.parse().expect("a value"));
            assert!(
                matches!(changed_request.arrives(&server), Err(PeerError::Refused(_))),
                "{at} {bit}"
            );
        }
    }
    request.arrives(&server).expect("it is right");
}

#[test]
fn a_session_is_for_its_own_requests() {
    let (bob, carol) = (server("bob"), server("carol"));
    let (first, second) = (session("ada", &bob), session("ada", &bob));
    let (mut request, _) = Travelling::signed(&first);
    assert!(matches!(request.arrives(&carol), Err(PeerError::UnknownSession)));
    request.headers.insert(
        "stoa-peer-session",
        second.id().to_string().parse().expect("a value"),
    );
    assert!(matches!(request.arrives(&bob), Err(PeerError::Refused(_))));
    let forgotten = "0".repeat(32).parse().expect("a value");
    request.headers.insert("stoa-peer-session", forgotten);
    assert!(matches!(request.arrives(&bob), Err(PeerError::UnknownSession)));
}

#[test]
fn requests_arrive_in_any_order_once() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let server = server("bob");
    let session = session("ada", &server);
    let count = usize::try_from(WINDOW).expect("a number");
    let mut requests: Vec<_> = (0..count).map(|_| Travelling::signed(&session).0).collect();
    random.shuffle(&mut requests);
    for request in &requests {
        request.arrives(&server).expect("it is inside of the window");
    }
    for request in &requests {
        assert!(matches!(request.arrives(&server), Err(PeerError::Replayed)));
    }
}

#[test]
fn what_comes_too_late_is_refused() {
    let server = server("bob");
    let session = session("ada", &server);
    let (late, _) = Travelling::signed(&session);
    let (last, _) = Travelling::signed(&session);
    for _ in 1..WINDOW {
        Travelling::signed(&session)
            .0
            .arrives(&server)
            .expect("it is right");
    }
    // The largest number is WINDOW + 1: 2 is the oldest that is remembered.
    assert!(matches!(late.arrives(&server), Err(PeerError::TooOld)));
    last.arrives(&server).expect("it is inside of the window");
}

#[test]
fn requests_of_many_threads_have_their_own_numbers() {
    let server = Arc::new(server("bob"));
    let session = Arc::new(session("ada", &server));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (server, session) = (Arc::clone(&server), Arc::clone(&session));
            thread::spawn(move || {
                for _ in 0..500 {
                    Travelling::signed(&session)
                        .0
                        .arrives(&server)
                        .expect("it is right");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(Travelling::signed(&session).1.sequence(), 2001);
    assert_eq!((server.established(), server.pending()), (1, 0));
}

#[test]
fn headers_that_are_no_tag_are_not_understood() {
    let server = server("bob");
    let (request, _) = Travelling::signed(&session("ada", &server));
    let tag = RequestTag::read(&request.headers).expect("a tag");
    assert_eq!(tag.sequence(), 1);
    assert!(server.knows(&tag.session()));
    for name in ["stoa-peer-session", "stoa-peer-sequence", "stoa-peer-mac"] {
        let mut without = request.clone();
        without.headers.remove(name);
        let mut twice = request.clone();
        let value = twice.headers[name].clone();
        twice.headers.append(name, value);
        let wrong = [
            "",
            "x",
            "+1",
            "01",
            " 1",
            "-1",
            "1.0",
            "18446744073709551616",
            "\u{e9}",
        ]
        .map(|value| {
            let mut wrong = request.clone();
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            wrong.headers.insert(name, value);
            wrong
        });
        for request in [without, twice].iter().chain(&wrong) {
            let arrived = request.arrives(&server);
            assert!(
                matches!(arrived, Err(PeerError::Malformed(_))),
                "{:?}",
                request.headers
            );
        }
    }
    assert!(RequestTag::read(&HeaderMap::new()).is_err());
}

#[test]
fn a_number_that_is_never_given_is_refused() {
    // Nobody signs 0; with a session key, it would be too old.
    let server = server("bob");
    let (mut request, _) = Travelling::signed(&session("ada", &server));
    request
        .headers
        .insert("stoa-peer-sequence", HeaderValue::from_static("0"));
    assert!(matches!(request.arrives(&server), Err(PeerError::Refused(_))));
}
