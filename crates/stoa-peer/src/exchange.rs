//! One request with its answer.

use crate::{FrameReader, FrameWriter, mac::MacKey};

/// One request with its answer: what ties the frames of the answer to the request. There is one writer, or one reader, of it.
#[derive(Debug)]
pub struct Exchange {
    key: MacKey,
    sequence: u64,
}

impl Exchange {
    /// The request of this number in the session of that key.
    pub(crate) fn new(key: MacKey, sequence: u64) -> Self {
        Self { key, sequence }
    }

    /// The number of the request in its session.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What the server writes the answer with.
    pub fn writer(self) -> FrameWriter {
        FrameWriter::new(self.key, self.sequence)
    }

    /// What the client reads the answer with.
    pub fn reader(self) -> FrameReader {
        FrameReader::new(self.key, self.sequence)
    }
}
