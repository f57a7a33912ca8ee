//! What a server remembers, and what it forgets.

use std::time::Duration;

use stoa_peer::{Hello, PeerError, Session, Sessions, SessionsOptions};
use tokio::time::advance;

use crate::support::{Travelling, cluster, node, server, session};

/// A server with these bounds.
fn small(most_established: usize, most_pending: usize) -> Sessions {
    let idle = Duration::from_secs(60);
    let options = SessionsOptions {
        most_established,
        most_pending,
        idle,
    };
    Sessions::new(node("bob"), cluster(), options)
}

/// Sends one more request.
fn ask(session: &Session, server: &Sessions) -> Result<(), PeerError> {
    Travelling::signed(session).0.arrives(server).map(|_| ())
}

#[test]
fn the_bounds_hold_under_100_000_hellos() {
    let server = server("bob");
    let used: Vec<_> = (0..1024).map(|_| session("ada", &server)).collect::<Vec<_>>();
    // The first 768 have been pushed out before anybody used them; the others are there.
    assert_eq!((server.established(), server.pending()), (0, 256));
    assert!(matches!(ask(&used[767], &server), Err(PeerError::UnknownSession)));
    for session in &used[768..] {
        ask(session, &server).expect("it is known");
    }
    let eve = node("ada");
    for _ in 0..100_000 {
        server
            .hello(&Hello::new(&eve, &cluster(), None).body())
            .expect("an answer");
        assert!(server.pending() <= 256);
    }
    assert_eq!((server.established(), server.pending()), (256, 256));
    for session in &used[768..] {
        ask(session, &server).expect("it is still known");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_idle_goes() {
    let server = small(3, 10);
    let sessions: Vec<_> = (0..4).map(|_| session("ada", &server)).collect();
    for session in &sessions[..3] {
        ask(session, &server).expect("it is known");
        advance(Duration::from_secs(1)).await;
    }
    ask(&sessions[0], &server).expect("it is known");
    advance(Duration::from_secs(1)).await;
    ask(&sessions[3], &server).expect("it is known");
    assert_eq!((server.established(), server.pending()), (3, 0));
    assert!(matches!(
        ask(&sessions[1], &server),
        Err(PeerError::UnknownSession)
    ));
    for session in [&sessions[0], &sessions[2], &sessions[3]] {
        ask(session, &server).expect("it is known");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_idle_is_forgotten() {
    let server = small(10, 10);
    let (used, idle, pending) = (
        session("ada", &server),
        session("ada", &server),
        session("ada", &server),
    );
    ask(&used, &server).expect("it is known");
    ask(&idle, &server).expect("it is known");
    for _ in 0..3 {
        advance(Duration::from_secs(30)).await;
        ask(&used, &server).expect("it is known");
    }
    assert!(matches!(ask(&idle, &server), Err(PeerError::UnknownSession)));
    assert!(matches!(ask(&pending, &server), Err(PeerError::UnknownSession)));
    assert!(!server.knows(&idle.id()) && !server.knows(&pending.id()));
    // What is forgotten takes no place.
    session("ada", &server);
    assert_eq!((server.established(), server.pending()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hello_whose_session_is_forgotten_makes_another_one() {
    let server = small(10, 10);
    let hello = Hello::new(&node("ada"), &cluster(), None);
    let first = server.hello(&hello.body()).expect("an answer");
    advance(Duration::from_secs(61)).await;
    let second = server.hello(&hello.body()).expect("an answer");
    assert_ne!(first, second);
    ask(&hello.finish(&second).expect("a session"), &server).expect("it is known");
}

#[test]
fn the_oldest_without_a_request_goes() {
    let server = small(10, 2);
    let sessions: Vec<_> = (0..3).map(|_| session("ada", &server)).collect();
    assert!(matches!(
        ask(&sessions[0], &server),
        Err(PeerError::UnknownSession)
    ));
    ask(&sessions[1], &server).expect("it is known");
    ask(&sessions[2], &server).expect("it is known");
}

#[test]
fn a_bound_of_none_is_one() {
    let server = small(0, 0);
    for _ in 0..3 {
        ask(&session("ada", &server), &server).expect("it is known");
    }
    assert_eq!((server.established(), server.pending()), (1, 0));
}

#[test]
fn a_wrong_request_establishes_nothing() {
    let server = server("bob");
    let (mut request, _) = Travelling::signed(&session("ada", &server));
    request.body.push(1);
    assert!(matches!(request.arrives(&server), Err(PeerError::Refused(_))));
    assert_eq!((server.established(), server.pending()), (0, 1));
}
