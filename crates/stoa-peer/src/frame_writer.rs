//! How a server writes an answer.

use bytes::{Bytes, BytesMut};
use serde::Serialize;

use crate::{
    PeerError,
    frame::{Codes, HEAD, Head, Kind, LARGEST_DATA, TAIL},
    mac::MacKey,
};

/// How far an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is said yet.
    Silent,
    /// There is a header.
    Begun,
    /// There is an end.
    Over,
}

/// How a server writes an answer: a header, data, and an end or an error. The results are the next bytes of the body, which
/// have to be sent in their order.
///
/// [`PeerError::Malformed`] says that something was written out of order, and [`PeerError::TooLarge`] that it is longer than a
/// frame may be; both have written nothing, and something else can be written instead.
#[derive(Debug)]
pub struct FrameWriter {
    codes: Codes,
    stage: Stage,
}

impl FrameWriter {
    /// The writer of the answer to the request of this number.
    pub(crate) fn new(key: MacKey, sequence: u64) -> Self {
        let codes = Codes::new(key, sequence);
        Self {
            codes,
            stage: Stage::Silent,
        }
    }

    /// Writes the header as JSON of at most [`LARGEST_DOCUMENT`](crate::LARGEST_DOCUMENT) bytes: what status and length the
    /// answer has, for example. The headers of HTTP are not proved, so what matters stands here.
    pub fn header<T: Serialize + ?Sized>(&mut self, header: &T) -> Result<Bytes, PeerError> {
        if self.stage != Stage::Silent {
            return Err(PeerError::Malformed("a header that is not the first"));
        }
        let frame = self.document(Kind::Header, header)?;
        self.stage = Stage::Begun;
        Ok(frame)
    }

    /// Writes data, which is not copied: for each [`LARGEST_DATA`] bytes of it a head, the bytes, and a code. For no bytes, it
    /// writes nothing.
    pub fn data(&mut self, mut data: Bytes) -> Result<Vec<Bytes>, PeerError> {
        if self.stage != Stage::Begun {
            return Err(PeerError::Malformed(
                "data that does not stand between header and end",
            ));
        }
        let mut pieces = Vec::with_capacity(3 * data.len().div_ceil(LARGEST_DATA));
        while !data.is_empty() {
            let payload = data.split_to(data.len().min(LARGEST_DATA));
            let mut tail = self.frame(Kind::Data, &payload, &[])?;
            pieces.extend([tail.split_to(HEAD), payload, tail]);
        }
        Ok(pieces)
    }

    /// Says that the writer is alive, which it can do until the end: also before the header.
    pub fn keepalive(&mut self) -> Result<Bytes, PeerError> {
        self.not_over()?;
        self.frame(Kind::Keepalive, &[], &[])
    }

    /// Says that the answer is complete. A reader takes no answer without it for a whole one.
    pub fn end(&mut self) -> Result<Bytes, PeerError> {
        if self.stage != Stage::Begun {
            return Err(PeerError::Malformed("an end that stands behind no header"));
        }
        self.stage = Stage::Over;
        self.frame(Kind::End, &[], &[])
    }

    /// Says why the answer ends here, as JSON of at most [`LARGEST_DOCUMENT`](crate::LARGEST_DOCUMENT) bytes, with or without a
    /// header before.
    pub fn fail<T: Serialize + ?Sized>(&mut self, error: &T) -> Result<Bytes, PeerError> {
        self.not_over()?;
        let frame = self.document(Kind::Error, error)?;
        self.stage = Stage::Over;
        Ok(frame)
    }

    fn not_over(&self) -> Result<(), PeerError> {
        match self.stage {
            Stage::Over => Err(PeerError::Malformed("a frame behind the end")),
            Stage::Silent | Stage::Begun => Ok(()),
        }
    }

    /// A frame of JSON.
    fn document<T: Serialize + ?Sized>(&mut self, kind: Kind, document: &T) -> Result<Bytes, PeerError> {
        let json =
            serde_json::to_vec(document).map_err(|_| PeerError::Malformed("a document that is no JSON"))?;
        self.frame(kind, &json, &json)
    }

    /// A frame with this payload, of which these bytes are copied between head and code.
    fn frame(&mut self, kind: Kind, payload: &[u8], copied: &[u8]) -> Result<Bytes, PeerError> {
        let head = Head::new(kind, payload)?;
        let mut frame = BytesMut::with_capacity(HEAD + copied.len() + TAIL);
        frame.extend_from_slice(&head.bytes());
        frame.extend_from_slice(copied);
        frame.extend_from_slice(&self.codes.next(kind, payload).short());
        Ok(frame.freeze())
    }
}
