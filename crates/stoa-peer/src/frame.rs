//! What an answer is made of.

use crate::{
    PeerError,
    mac::{Code, MacKey},
};

/// The most bytes of one frame of data: 256 KiB.
pub const LARGEST_DATA: usize = 256 << 10;

/// The most bytes of the JSON of a header and of an error: 16 KiB.
pub const LARGEST_DOCUMENT: usize = 16 << 10;

/// How many bytes stand before the payload: the kind, and the length in four bytes, the highest first.
pub(crate) const HEAD: usize = 5;

/// How many bytes of code stand behind the payload.
pub(crate) const TAIL: usize = 16;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// JSON that says what is to come. It is the first, but for frames that say nothing.
    Header = 0,
    /// A piece of the body.
    Data = 1,
    /// Nothing comes any more, and all of it was there.
    End = 2,
    /// JSON that says why nothing comes any more.
    Error = 3,
    /// The writer is alive and has nothing to say.
    Keepalive = 4,
}

impl Kind {
    /// The kind with this number.
    fn of(number: u8) -> Option<Self> {
        let kinds = [Self::Header, Self::Data, Self::End, Self::Error, Self::Keepalive];
        kinds.get(usize::from(number)).copied()
    }

    /// The most bytes of a payload.
    pub(crate) fn largest(self) -> usize {
        match self {
            Self::Header | Self::Error => LARGEST_DOCUMENT,
            Self::Data => LARGEST_DATA,
            Self::End | Self::Keepalive => 0,
        }
    }
}

/// The first bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// The bytes of the payload.
    pub(crate) length: usize,
}

impl Head {
    /// The head of a frame with such a payload, which is not too long.
    pub(crate) fn new(kind: Kind, payload: &[u8]) -> Result<Self, PeerError> {
        let length = payload.len();
        if length > kind.largest() {
            return Err(PeerError::TooLarge("a frame"));
        }
        Ok(Self { kind, length })
    }

    /// The head that bytes begin with, if they are enough. It is not proved yet, and bounds what is waited for.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, PeerError> {
        let Some([kind, length @ ..]) = bytes.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let kind = Kind::of(*kind).ok_or(PeerError::Malformed("a frame of an unknown kind"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > kind.largest() {
            return Err(PeerError::TooLarge("a frame"));
        }
        Ok(Some(Self { kind, length }))
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> [u8; HEAD] {
        let length = u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes();
        [self.kind as u8, length[0], length[1], length[2], length[3]]
    }

    /// The bytes of the whole frame.
    pub(crate) fn whole(self) -> usize {
        HEAD + self.length + TAIL
    }
}

/// The codes of the frames of one answer, in their order.
#[derive(Debug)]
pub(crate) struct Codes {
    key: MacKey,
    /// The number of the request in its session.
    sequence: u64,
    /// The number of the next frame.
    frame: u64,
}

impl Codes {
    /// The codes of the answer to this request, from the first on.
    pub(crate) fn new(key: MacKey, sequence: u64) -> Self {
        Self {
            key,
            sequence,
            frame: 0,
        }
    }

    /// The code of the next frame.
    pub(crate) fn next(&mut self, kind: Kind, payload: &[u8]) -> Code {
        let message = self.key.begin("stoa-peer answer");
        let message = message
            .number(self.sequence)
            .number(self.frame)
            .number(kind as u64);
        self.frame += 1;
        message.part(payload).code()
    }
}
