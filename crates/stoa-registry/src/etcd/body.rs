//! Reading answers, and no more of them than is good.

use bytes::{Buf as _, Bytes, BytesMut};
use serde::de::DeserializeOwned;

use super::{
    fault::Fault,
    transport::{HttpBody, HttpReply},
    wire::Streamed,
};

/// The most bytes of one answer, and of one object of a stream.
pub(super) const MOST_BYTES: usize = 8 << 20;

/// Reads the whole of an answer.
pub(super) async fn whole(mut reply: HttpReply) -> Result<Bytes, Fault> {
    let mut read = BytesMut::new();
    while let Some(chunk) = next(&mut *reply.body).await? {
        if read.len() + chunk.len() > MOST_BYTES {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    if reply.status == 200 {
        Ok(read.freeze())
    } else {
        Err(Fault::of(reply.status, &read))
    }
}

/// An answer as what it should be.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| Fault::Away(format!("its answer cannot be read: {error}")))
}

/// The objects of a stream, one a line.
#[derive(Debug)]
pub(super) struct Objects {
    body: Box<dyn HttpBody>,
    buffer: BytesMut,
    /// How many bytes of the buffer are known to have no end of a line.
    looked_at: usize,
}

impl Objects {
    pub(super) fn new(body: Box<dyn HttpBody>) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            looked_at: 0,
        }
    }

    /// The next one; `None` when the stream has ended. A dropped future loses nothing that has come.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Fault> {
        loop {
            let end = self.buffer[self.looked_at..]
                .iter()
                .position(|&byte| byte == b'\n');
            if let Some(end) = end {
                let line = self.buffer.split_to(self.looked_at + end);
                self.buffer.advance(1);
                self.looked_at = 0;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return object(&line).map(Some);
            }
            self.looked_at = self.buffer.len();
            let Some(chunk) = next(&mut *self.body).await? else {
                return Ok(None);
            };
            if self.buffer.len() + chunk.len() > MOST_BYTES {
                return Err(too_large());
            }
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

/// An object of a stream.
pub(super) fn object<T: DeserializeOwned>(line: &[u8]) -> Result<T, Fault> {
    let streamed: Streamed<T> = parse(line)?;
    match (streamed.result, streamed.error) {
        (_, Some(error)) => Err(Fault::told(&error)),
        (Some(result), None) => Ok(result),
        (None, None) => Err(Fault::Away("its answer is empty".to_owned())),
    }
}

async fn next(body: &mut dyn HttpBody) -> Result<Option<Bytes>, Fault> {
    body.next_chunk()
        .await
        .map_err(|error| Fault::Away(error.to_string()))
}

fn too_large() -> Fault {
    Fault::Large(format!("its answer has more than {MOST_BYTES} bytes"))
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, io};

    use async_trait::async_trait;

    use super::*;
    use crate::etcd::wire::WatchResponse;

    #[derive(Debug)]
    struct Pieces(VecDeque<&'static [u8]>);

    #[async_trait]
    impl HttpBody for Pieces {
        async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
            Ok(self.0.pop_front().map(Bytes::from_static))
        }
    }

    fn objects(pieces: &[&'static [u8]]) -> Objects {
        Objects::new(Box::new(Pieces(pieces.iter().copied().collect())))
    }

    #[tokio::test]
    async fn a_line_may_come_in_pieces_and_a_piece_may_hold_lines() {
        let mut stream = objects(&[
            b"{\"result\":{\"cre",
            b"ated\":true}}",
            b"\n{\"result\":{\"canceled\":true}}\n\n{\"res",
            b"ult\":{}}\n",
        ]);
        let mut told = Vec::new();
        while let Some(object) = stream.next::<WatchResponse>().await.unwrap() {
            told.push((object.created, object.canceled));
        }
        assert_eq!(told, [(true, false), (false, true), (false, false)]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_given_up() {
        let piece: &'static [u8] = &[b'x'; 1 << 14];
        let mut stream = objects(&vec![piece; 9 << 6]);
        let error = stream.next::<WatchResponse>().await.unwrap_err();
        assert!(matches!(error, Fault::Large(_)), "{error}");
    }

    #[tokio::test]
    async fn an_error_ends_a_stream_in_either_form() {
        for text in [
            b"{\"error\":{\"grpc_code\":16,\"http_code\":401,\"message\":\"no\"}}\n".as_slice(),
            b"{\"error\":{\"code\":16,\"message\":\"no\"}}\n",
        ] {
            let error = objects(&[text]).next::<WatchResponse>().await.unwrap_err();
            assert_eq!(error, Fault::Token("no".to_owned()));
        }
    }
}
