//! What a secret is, and that it is never seen.

use stoa_peer::{Hello, Secret, SecretError, Secrets, Sessions, SessionsOptions};

use crate::support::{Travelling, node};

#[test]
fn one_line_end_belongs_to_the_file() {
    // Secrets are the same if a server accepts what a client has signed with them.
    let same = |one: &[u8], other: &[u8]| {
        let server = Sessions::new(
            node("bob"),
            Secret::parse(other).expect("a secret").into(),
            SessionsOptions::default(),
        );
        let hello = Hello::new(&node("ada"), &Secret::parse(one).expect("a secret").into(), None);
        server.hello(&hello.body()).is_ok()
    };
    assert!(same(b"sixteen bytes xx", b"sixteen bytes xx\n"));
    assert!(same(b"sixteen bytes xx", b"sixteen bytes xx\r\n"));
    assert!(!same(b"sixteen bytes xx", b"sixteen bytes xx\n\n"));
    assert!(!same(b"sixteen bytes xx", b"sixteen bytes xx\r"));
    assert!(!same(b"sixteen bytes xx", b" sixteen bytes xx"));
}

#[test]
fn a_bad_secret_is_described_and_not_shown() {
    let short = Secret::parse(b"hunter2-hunter2\n").expect_err("15 bytes");
    assert_eq!(short, SecretError::Short(15));
    assert_eq!(
        short.to_string(),
        "the secret has 15 bytes; it must have at least 16"
    );
    assert_eq!(Secret::parse(b"\n").err(), Some(SecretError::None));
    assert_eq!(Secret::parse(&[b'x'; 4097]).err(), Some(SecretError::Long(4097)));
    assert_eq!(Secrets::new(Vec::new()).err(), Some(SecretError::None));
    assert_eq!(Secrets::parse_lines(b"\r\n\n").err(), Some(SecretError::None));
    let short = Secrets::parse_lines(b"sixteen bytes xx\nshort\n");
    assert_eq!(short.err(), Some(SecretError::Short(5)));
    assert_eq!(
        Secrets::parse_lines("sixteen bytes xx\n".repeat(9).as_bytes()).err(),
        Some(SecretError::Many(9))
    );
}

#[test]
fn no_debug_text_and_no_message_shows_a_secret() {
    let text = "hunter2-hunter2-hunter2";
    let secret = Secret::parse(text.as_bytes()).expect("a secret");
    let secrets = Secrets::from(secret.clone());
    let server = Sessions::new(node("bob"), secrets.clone(), SessionsOptions::default());
    let hello = Hello::new(&node("ada"), &secrets, None);
    let answer = server.hello(&hello.body()).expect("an answer");
    let session = hello.finish(&answer).expect("a session");
    let (request, exchange) = Travelling::signed(&session);
    let caller = request.arrives(&server).expect("it is right");
    let shown = [
        format!(
            "{secret:?} {secrets:?} {server:?} {hello:?} {session:?} {request:?} {exchange:?} {caller:?}"
        ),
        format!("{:?} {:?}", caller.exchange.writer(), exchange.reader()),
        String::from_utf8_lossy(&hello.body()).into_owned(),
        String::from_utf8_lossy(&answer).into_owned(),
    ];
    let digits: Vec<_> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hexadecimal = digits.concat();
    let decimal = format!("{:?}", text.as_bytes());
    for shown in shown {
        for form in [text, hexadecimal.as_str(), decimal.trim_matches(['[', ']'])] {
            assert!(!shown.contains(form), "{form} in {shown}");
        }
    }
    assert_eq!(format!("{secret:?}"), "Secret");
}
