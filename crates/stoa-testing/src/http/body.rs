//! Reading a body, and telling how it ended.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::head::{Headers, invalid};

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// `Content-Length` was satisfied, the last chunk came, or there was none to come.
    Clean,
    /// The message had no framing and the peer closed: it is unknown whether that was all.
    Closed,
    /// The connection ended before the body did.
    Cut {
        /// How many bytes of the body came.
        received: u64,
        /// How many were announced; `None` with chunked encoding.
        announced: Option<u64>,
        /// Whether the connection was reset rather than closed.
        reset: bool,
    },
}

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    /// The framing that headers announce, with what holds if they announce none.
    pub(crate) fn of(headers: &Headers, otherwise: Self) -> io::Result<Self> {
        if headers
            .all("transfer-encoding")
            .any(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            return Ok(Self::Chunked);
        }
        match headers.get("content-length").map(str::parse) {
            Some(Ok(length)) => Ok(Self::Length(length)),
            Some(Err(_)) => Err(invalid("Content-Length is not a number")),
            None => Ok(otherwise),
        }
    }
}

/// A piece of a body, or its end.
#[derive(Debug)]
pub(crate) enum Step {
    Data(Bytes),
    End(BodyEnd),
}

/// Takes a body from a connection piece by piece.
#[derive(Debug)]
pub(crate) struct BodyReader {
    framing: Framing,
    /// What is left of the announced length, or of the present chunk.
    left: u64,
    received: u64,
    in_chunk: bool,
}

impl BodyReader {
    pub(crate) fn new(framing: Framing) -> Self {
        let left = match framing {
            Framing::Length(length) => length,
            Framing::Chunked => 0,
            Framing::UntilClose => u64::MAX,
        };
        Self {
            framing,
            left,
            received: 0,
            in_chunk: false,
        }
    }

    /// The next piece. A lost connection is an end; only a violation of the encoding is an error.
    pub(crate) async fn next(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> io::Result<Step> {
        match self.step(reader, buffer).await {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(error),
            Err(error) => Ok(Step::End(self.cut(error.kind() != io::ErrorKind::UnexpectedEof))),
            step => step,
        }
    }

    async fn step(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> io::Result<Step> {
        if self.left == 0 {
            if self.framing != Framing::Chunked {
                return Ok(Step::End(BodyEnd::Clean));
            }
            if !self.next_chunk(reader, buffer).await? {
                return Ok(Step::End(BodyEnd::Clean));
            }
        }
        if buffer.is_empty() {
            match fill(reader, buffer).await {
                Err(error)
                    if error.kind() == io::ErrorKind::UnexpectedEof
                        && self.framing == Framing::UntilClose =>
                {
                    return Ok(Step::End(BodyEnd::Closed));
                }
                filled => filled?,
            }
        }
        let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        self.left -= take as u64;
        self.received += take as u64;
        Ok(Step::Data(buffer.split_to(take).freeze()))
    }

    /// Opens the next chunk; false when it was the last and the trailers are read.
    async fn next_chunk(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> io::Result<bool> {
        if std::mem::replace(&mut self.in_chunk, true) && !read_line(reader, buffer).await?.is_empty() {
            return Err(invalid("a chunk is longer than it says"));
        }
        let line = read_line(reader, buffer).await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        self.left = u64::from_str_radix(digits, 16).map_err(|_| invalid("not a chunk size"))?;
        if self.left > 0 {
            return Ok(true);
        }
        while !read_line(reader, buffer).await?.is_empty() {}
        Ok(false)
    }

    fn cut(&self, reset: bool) -> BodyEnd {
        let announced = match self.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClose => None,
        };
        BodyEnd::Cut {
            received: self.received,
            announced,
            reset,
        }
    }
}

async fn read_line(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<String> {
    loop {
        if let Some(end) = buffer.windows(2).position(|window| window == b"\r\n") {
            let line = buffer.split_to(end);
            buffer.advance(2);
            return String::from_utf8(line.to_vec()).map_err(|_| invalid("not UTF-8"));
        }
        if buffer.len() > 4096 {
            return Err(invalid("a line is too long"));
        }
        fill(reader, buffer).await?;
    }
}

async fn fill(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<()> {
    buffer.reserve(crate::content::CHUNK);
    match reader.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
