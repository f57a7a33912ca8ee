//! Odd answers to a question for `.info`.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

pub(super) const INFO: &str = r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}"#;

/// Who takes an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Both,
    Neither,
    /// See `docs/reference/deviations.md`.
    OnlyGo,
    OnlyStoa,
}
pub(super) use Taken::{Both, Neither, OnlyGo, OnlyStoa};

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) answer: Bytes,
    pub(super) taken: Taken,
}

pub(super) fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// 200 with these header lines, each with its end, and a body whose length is announced.
fn sized(headers: &str, body: &[u8]) -> Bytes {
    let head = format!(
        "HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat().into()
}

fn chunked(headers: &str, body: &[u8], end: &str) -> Bytes {
    let head = format!(
        "HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n{:x};a=\"b\"\r\n",
        body.len()
    );
    [head.as_bytes(), body, end.as_bytes()].concat().into()
}

fn codings() -> Vec<Case> {
    let whole = packed(INFO.as_bytes());
    let gzip = "Content-Encoding: gzip\r\n";
    let mut flipped = whole.clone();
    let sum = flipped.len() - 8;
    flipped[sum] ^= 1;
    let (first, second) = INFO.as_bytes().split_at(7);
    let members = [packed(first), packed(second)].concat();
    let case = |name, answer, taken| Case { name, answer, taken };
    vec![
        case("gzip", sized(gzip, &whole), Both),
        case(
            "gzip in capitals",
            sized("content-encoding: GZIP\r\n", &whole),
            Both,
        ),
        case("gzip in chunks", chunked(gzip, &whole, "\r\n0\r\n\r\n"), Both),
        case("gzip said twice", sized(&gzip.repeat(2), &whole), Both),
        case("two members", sized(gzip, &members), Both),
        case("gzip of nothing", sized(gzip, &packed(b"")), Neither),
        case("nothing as gzip", sized(gzip, b""), Neither),
        case(
            "gzip that is cut",
            sized(gzip, &whole[..whole.len() - 1]),
            Neither,
        ),
        case(
            "gzip without its sum",
            sized(gzip, &whole[..whole.len() - 8]),
            Neither,
        ),
        case("gzip with a wrong sum", sized(gzip, &flipped), Neither),
        case(
            "gzip and more",
            sized(gzip, &[&whole, &b"more"[..]].concat()),
            Neither,
        ),
        case("gzip that is none", sized(gzip, INFO.as_bytes()), Neither),
        case(
            "gzip and another",
            sized("Content-Encoding: gzip, br\r\n", &whole),
            Neither,
        ),
        case("gzip that is not said", sized("", &whole), Neither),
        case(
            "an old name of gzip",
            sized("Content-Encoding: x-gzip\r\n", &whole),
            OnlyStoa,
        ),
        case("deflate", sized("Content-Encoding: deflate\r\n", &whole), Neither),
        case(
            "identity",
            sized("Content-Encoding: identity\r\n", INFO.as_bytes()),
            Both,
        ),
        case(
            "a coding without a name",
            sized("Content-Encoding:\r\n", INFO.as_bytes()),
            Both,
        ),
        case(
            "a coding that is none",
            sized("Content-Encoding: utf-8\r\n", INFO.as_bytes()),
            OnlyGo,
        ),
    ]
}

fn heads() -> Vec<Case> {
    let body = INFO.as_bytes();
    let lines =
        |count: usize| (0..count).fold(String::new(), |text, at| text + &format!("X-Line-{at}: {at}\r\n"));
    let case = |name, answer, taken| Case { name, answer, taken };
    vec![
        case("nothing odd", sized("", body), Both),
        case("a hundred and one lines", sized(&lines(101), body), Both),
        case("nine hundred lines", sized(&lines(900), body), Both),
        case("fifteen hundred lines", sized(&lines(1500), body), OnlyGo),
        case(
            "a long line",
            sized(&format!("X-Long: {}\r\n", "x".repeat(100_000)), body),
            Both,
        ),
        case("a space before the colon", sized("X-Odd : a\r\n", body), Both),
        case("a space in a name", sized("X Odd: a\r\n", body), OnlyGo),
        case("a line that goes on", sized("X-Odd: a\r\n\t b\r\n", body), Both),
        case("a line without a colon", sized("X-Odd\r\n", body), Neither),
        case("a line without a name", sized(": a\r\n", body), Neither),
        case(
            "a control character in a name",
            sized("X\u{1}Odd: a\r\n", body),
            Neither,
        ),
        case("a bracket in a name", sized("X[Odd]: a\r\n", body), Neither),
        case(
            "a control character in a value",
            sized("X-Odd: \u{1}\r\n", body),
            Neither,
        ),
        case(
            "more than ASCII in a value",
            sized("X-Odd: \u{e9}\r\n", body),
            Both,
        ),
        case(
            "more than ASCII in a name",
            sized("X-\u{e9}: a\r\n", body),
            Neither,
        ),
        case(
            "a space before the first line",
            sized(" X-Odd: a\r\n", body),
            Neither,
        ),
    ]
}

fn framings() -> Vec<Case> {
    let body = INFO.as_bytes();
    let len = body.len();
    let with = |head: &str| Bytes::from([head.as_bytes(), body].concat());
    let case = |name, answer, taken| Case { name, answer, taken };
    vec![
        case(
            "ends of lines without carriage returns",
            with(&format!("HTTP/1.1 200 OK\nContent-Length: {len}\n\n")),
            Both,
        ),
        case(
            "no reason",
            with(&format!("HTTP/1.1 200\r\nContent-Length: {len}\r\n\r\n")),
            Both,
        ),
        case(
            "another version",
            with(&format!("HTTP/1.7 200 OK\r\nContent-Length: {len}\r\n\r\n")),
            OnlyGo,
        ),
        case(
            "HTTP/1.0",
            with(&format!("HTTP/1.0 200 OK\r\nContent-Length: {len}\r\n\r\n")),
            Both,
        ),
        case("no length", with("HTTP/1.1 200 OK\r\n\r\n"), OnlyGo),
        case(
            "a length said twice",
            sized(&format!("Content-Length: {len}\r\n"), body),
            Both,
        ),
        case("two lengths", sized("Content-Length: 7\r\n", body), Neither),
        case(
            "a length with a sign",
            with(&format!("HTTP/1.1 200 OK\r\nContent-Length: +{len}\r\n\r\n")),
            Neither,
        ),
        case(
            "chunks and a length",
            chunked("Content-Length: 7\r\n", body, "\r\n0\r\n\r\n"),
            Both,
        ),
        case(
            "chunks and trailers",
            chunked("", body, "\r\n0\r\nX-Odd: a\r\n\r\n"),
            Both,
        ),
        case("chunks without an end", chunked("", body, "\r\n"), Neither),
        case(
            "a hint before it",
            with(&format!(
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n"
            )),
            Both,
        ),
        case("no HTTP", Bytes::from_static(b"220 ready\r\n"), Neither),
    ]
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    codings().into_iter().chain(heads()).chain(framings()).collect()
}
