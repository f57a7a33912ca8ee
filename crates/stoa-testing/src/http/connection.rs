//! A connection that can carry several exchanges.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::exchange::{split_url, within};
use super::head::read_head;
use super::{BodyEnd, BodyReader, Framing, Headers, Response, Step};

/// The longest body that is kept in memory; longer ones want [`Streaming`](super::Streaming).
const MAX_BODY: usize = 64 * 1024 * 1024;

/// One TCP connection, for keep-alive, pipelining and malformed requests.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    authority: String,
}

/// A response whose body has not been read.
pub(super) struct Opened {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: BodyReader,
}

impl Connection {
    /// Connects to `host:port`, or to the host and port of a URL.
    pub async fn open(authority: &str) -> io::Result<Self> {
        let authority = if authority.contains("://") {
            split_url(authority).0
        } else {
            authority
        };
        let stream = within(TcpStream::connect(authority)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
            authority: authority.to_owned(),
        })
    }

    /// One exchange.
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        self.write_request(method, target, headers, body).await?;
        self.read_response(method).await
    }

    /// Writes a request, with `Host` and `Content-Length` unless they are given.
    pub async fn write_request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let given = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !given("host") {
            head += &format!("Host: {}\r\n", self.authority);
        }
        if !body.is_empty() && !given("content-length") && !given("transfer-encoding") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.write(&[head.as_bytes(), body].concat()).await
    }

    /// Writes bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(self.stream.write_all(bytes)).await
    }

    /// Says that nothing more will be written, as a client that closes half of its connection.
    pub async fn finish_writing(&mut self) -> io::Result<()> {
        within(self.stream.shutdown()).await
    }

    /// Reads the answer to a request of this method. Interim (1xx) answers are skipped.
    pub async fn read_response(&mut self, method: &str) -> io::Result<Response> {
        within(async {
            let Opened {
                status,
                headers,
                body: mut reader,
            } = self.read_opening(method).await?;
            let mut body = BytesMut::new();
            let end = loop {
                match reader.next(&mut self.stream, &mut self.buffer).await? {
                    Step::End(end) => break end,
                    Step::Data(data) if body.len() + data.len() <= MAX_BODY => body.extend_from_slice(&data),
                    Step::Data(_) => panic!("the body is longer than {MAX_BODY} bytes: stream it"),
                }
            };
            Ok(Response {
                status,
                headers,
                body: body.freeze(),
                end,
            })
        })
        .await
    }

    /// Reads all there is until the peer closes; a reset counts as closing.
    pub async fn read_to_close(&mut self) -> io::Result<Bytes> {
        within(async {
            let mut reader = BodyReader::new(Framing::UntilClose);
            let mut all = BytesMut::new();
            while let Step::Data(data) = reader.next(&mut self.stream, &mut self.buffer).await? {
                assert!(all.len() < MAX_BODY, "more than {MAX_BODY} bytes");
                all.extend_from_slice(&data);
            }
            Ok(all.freeze())
        })
        .await
    }

    /// Whether the peer has closed or reset the connection; waits up to the deadline for it.
    /// Bytes that come in the meantime are dropped.
    pub async fn closed(&mut self) -> bool {
        let drain = async {
            while self
                .stream
                .read_buf(&mut self.buffer)
                .await
                .is_ok_and(|read| read > 0)
            {
                self.buffer.clear();
            }
            Ok(())
        };
        within(drain).await.is_ok()
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        self.stream.set_zero_linger().expect("the socket is open");
    }

    pub(super) async fn read_opening(&mut self, method: &str) -> io::Result<Opened> {
        loop {
            let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer");
            let head = read_head(&mut self.stream, &mut self.buffer)
                .await?
                .ok_or_else(closed)?;
            let status = head
                .start_line
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok());
            let status: u16 = status.ok_or_else(|| super::head::invalid("not a status line"))?;
            let bodiless = method == "HEAD" || status == 204 || status == 304;
            let framing = if bodiless {
                Framing::Length(0)
            } else {
                Framing::of(&head.headers, Framing::UntilClose)?
            };
            if status >= 200 {
                return Ok(Opened {
                    status,
                    headers: head.headers,
                    body: BodyReader::new(framing),
                });
            }
        }
    }

    pub(super) async fn next(&mut self, body: &mut BodyReader) -> io::Result<Result<Bytes, BodyEnd>> {
        within(async {
            Ok(match body.next(&mut self.stream, &mut self.buffer).await? {
                Step::Data(data) => Ok(data),
                Step::End(end) => Err(end),
            })
        })
        .await
    }
}
