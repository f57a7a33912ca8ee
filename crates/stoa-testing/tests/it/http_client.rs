//! What the client makes of messages that no scripted reply sends.

use stoa_testing::http::{self, BodyEnd};
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

async fn end_of(raw: &'static str) -> Result<BodyEnd, std::io::ErrorKind> {
    let upstream = Upstream::start().await;
    upstream.on("/", Reply::Raw(raw.into()));
    let response = http::raw(upstream.address(), b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    response
        .map(|response| response.end)
        .map_err(|error| error.kind())
}

#[tokio::test]
async fn the_end_of_a_body_is_told_exactly() {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};

    let chunked = |received| {
        Ok(BodyEnd::Cut {
            received,
            announced: None,
            reset: false,
        })
    };
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            Ok(BodyEnd::Clean),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok(BodyEnd::Clean)),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            Ok(BodyEnd::Clean),
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            Ok(BodyEnd::Clean),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nTrailer: t\r\n\r\n",
            Ok(BodyEnd::Clean),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
            chunked(2),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            chunked(2),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na",
            chunked(1),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            Err(InvalidData),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            Err(InvalidData),
        ),
        ("HTTP/1.1 200 OK\r\n\r\nab", Ok(BodyEnd::Closed)),
        ("HTTP/1.1 200 OK\r\nContent-Le", Err(UnexpectedEof)),
        ("", Err(UnexpectedEof)),
    ];
    for (raw, expected) in cases {
        assert_eq!(end_of(raw).await, expected, "{raw:?}");
    }
}
