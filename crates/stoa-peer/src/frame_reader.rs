//! How a client reads an answer.

use bytes::{Bytes, BytesMut};

use crate::{
    PeerError,
    frame::{Codes, HEAD, Head, Kind, TAIL},
    mac::MacKey,
};

/// What an answer says next. All of it is proved to come from the peer, for this request, and at this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameEvent {
    /// What is to come, as JSON. It comes once, before any data.
    Header(Bytes),
    /// The next bytes of the body.
    Data(Bytes),
    /// The peer is alive and has nothing to say.
    Keepalive,
    /// The answer is complete.
    End,
    /// The answer ends here for a reason, as JSON.
    Error(Bytes),
}

/// How far an answer is.
#[derive(Clone, Debug)]
enum Stage {
    /// Nothing was said yet.
    Silent,
    /// There was a header.
    Begun,
    /// There was an end, or an error.
    Over,
    /// It cannot be trusted any more.
    Broken(PeerError),
}

/// How a client reads an answer, in whatever pieces it comes.
///
/// It keeps at most one frame, and nothing is handed out before it is proved. A frame that lies in one piece is not copied. What
/// it has refused once it goes on to refuse.
#[derive(Debug)]
pub struct FrameReader {
    codes: Codes,
    stage: Stage,
    /// The beginning of a frame that has come in several pieces.
    partial: BytesMut,
}

impl FrameReader {
    /// The reader of the answer to the request of this number.
    pub(crate) fn new(key: MacKey, sequence: u64) -> Self {
        let codes = Codes::new(key, sequence);
        let partial = BytesMut::new();
        Self {
            codes,
            stage: Stage::Silent,
            partial,
        }
    }

    /// Takes from `input` what the next event needs. None says that all of `input` is taken and more is needed; so what comes
    /// from the network waits there, and not here.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<FrameEvent>, PeerError> {
        if let Stage::Broken(error) = &self.stage {
            return Err(error.clone());
        }
        let read = self.read(input);
        if let Err(error) = &read {
            self.stage = Stage::Broken(error.clone());
            self.partial = BytesMut::new();
        }
        read
    }

    /// Says that the peer has closed the answer. It is an error if there was no end before.
    pub fn finish(self) -> Result<(), PeerError> {
        match self.stage {
            Stage::Over => Ok(()),
            Stage::Silent | Stage::Begun => Err(PeerError::Truncated),
            Stage::Broken(error) => Err(error),
        }
    }

    fn read(&mut self, input: &mut Bytes) -> Result<Option<FrameEvent>, PeerError> {
        if matches!(self.stage, Stage::Over) && !input.is_empty() {
            return Err(PeerError::Malformed("bytes behind the end"));
        }
        match self.take(input)? {
            Some((head, frame)) => self.open(head, frame).map(Some),
            None => Ok(None),
        }
    }

    /// Takes a whole frame, or all that there is.
    fn take(&mut self, input: &mut Bytes) -> Result<Option<(Head, Bytes)>, PeerError> {
        if self.partial.is_empty()
            && let Some(head) = Head::read(input)?
            && input.len() >= head.whole()
        {
            return Ok(Some((head, input.split_to(head.whole()))));
        }
        self.fill(input, HEAD);
        let Some(head) = Head::read(&self.partial)? else {
            return Ok(None);
        };
        self.fill(input, head.whole());
        let whole = self.partial.len() == head.whole();
        Ok(whole.then(|| (head, self.partial.split().freeze())))
    }

    /// Moves bytes from `input` until so many are kept.
    fn fill(&mut self, input: &mut Bytes, length: usize) {
        let missing = length.saturating_sub(self.partial.len());
        if !input.is_empty() && missing > 0 {
            self.partial.reserve(missing);
            self.partial
                .extend_from_slice(&input.split_to(missing.min(input.len())));
        }
    }

    /// What a frame says, if it is right.
    fn open(&mut self, head: Head, mut frame: Bytes) -> Result<FrameEvent, PeerError> {
        let payload = frame.split_off(HEAD);
        let (payload, code) = payload
            .split_last_chunk::<TAIL>()
            .map(|(_, code)| (payload.slice(..head.length), *code))
            .ok_or(PeerError::Truncated)?;
        if !self.codes.next(head.kind, &payload).is_short(&code) {
            return Err(PeerError::Refused("a frame that is not the one that was sent"));
        }
        let event = match (head.kind, &self.stage) {
            (Kind::Header, Stage::Silent) => {
                self.stage = Stage::Begun;
                FrameEvent::Header(payload)
            }
            (Kind::Data, Stage::Begun) => FrameEvent::Data(payload),
            (Kind::Keepalive, Stage::Silent | Stage::Begun) => FrameEvent::Keepalive,
            (Kind::End, Stage::Begun) => {
                self.stage = Stage::Over;
                FrameEvent::End
            }
            (Kind::Error, Stage::Silent | Stage::Begun) => {
                self.stage = Stage::Over;
                FrameEvent::Error(payload)
            }
            _ => return Err(PeerError::Malformed("a frame that is out of place")),
        };
        Ok(event)
    }
}
