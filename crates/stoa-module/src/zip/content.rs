//! The content of one entry at a time: inflated, counted, checksummed and hashed, and never kept.

use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest as _, Sha256};

use super::record::DEFLATED;

/// Larger than the window of 32 KiB, which inflate copies once a call.
const BUFFER: usize = 128 * 1024;

/// Reads contents, fed in pieces of any length.
pub(super) struct Content {
    inflate: Decompress,
    buffer: Box<[u8]>,
    sha256: Sha256,
    crc: crc32fast::Hasher,
    deflated: bool,
    consumed: u64,
    size: u64,
    /// Bytes that the content may inflate to.
    limit: u64,
}

/// How far a piece took the content.
pub(super) struct Progress {
    /// Bytes of the piece that belong to the content.
    pub(super) consumed: usize,
    /// Whether deflated content has said that it is complete. Stored content never does.
    pub(super) complete: bool,
}

/// What is known of a content that was read to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest {
    pub(super) sha256: [u8; 32],
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
}

/// Why a content cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentError {
    /// It is no deflate stream.
    Corrupt,
    /// It inflates to more than its limit.
    OverLimit,
}

impl Content {
    pub(super) fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            buffer: vec![0; BUFFER].into(),
            sha256: Sha256::new(),
            crc: crc32fast::Hasher::new(),
            deflated: false,
            consumed: 0,
            size: 0,
            limit: 0,
        }
    }

    /// Starts a content that is stored or deflated.
    pub(super) fn start(&mut self, method: u16, limit: u64) {
        self.deflated = method == DEFLATED;
        if self.deflated {
            self.inflate.reset(false);
        }
        self.sha256.reset();
        self.crc.reset();
        (self.consumed, self.size, self.limit) = (0, 0, limit);
    }

    /// Takes a piece, or that part of it that belongs to the content.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<Progress, ContentError> {
        if !self.deflated {
            self.consumed += piece.len() as u64;
            take(&mut self.size, self.limit, &mut self.sha256, &mut self.crc, piece)?;
            return Ok(Progress {
                consumed: piece.len(),
                complete: false,
            });
        }
        let mut rest = piece;
        let complete = loop {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(rest, &mut self.buffer, FlushDecompress::None)
                .map_err(|_| ContentError::Corrupt)?;
            let read = as_len(self.inflate.total_in() - read);
            let written = as_len(self.inflate.total_out() - written);
            rest = &rest[read..];
            take(
                &mut self.size,
                self.limit,
                &mut self.sha256,
                &mut self.crc,
                &self.buffer[..written],
            )?;
            match status {
                Status::StreamEnd => break true,
                // A full buffer may have left output behind; anything else waits for input.
                Status::Ok | Status::BufError if written == self.buffer.len() => {}
                Status::Ok if !rest.is_empty() && (read > 0 || written > 0) => {}
                Status::Ok | Status::BufError if rest.is_empty() => break false,
                Status::Ok | Status::BufError => return Err(ContentError::Corrupt),
            }
        };
        let consumed = piece.len() - rest.len();
        self.consumed += consumed as u64;
        Ok(Progress { consumed, complete })
    }

    /// What is known of the content, once all of it was fed.
    pub(super) fn finish(&mut self) -> Digest {
        Digest {
            sha256: self.sha256.finalize_reset().into(),
            crc: self.crc.clone().finalize(),
            compressed: self.consumed,
            size: self.size,
        }
    }
}

/// Counts and hashes bytes of content.
fn take(
    size: &mut u64,
    limit: u64,
    sha256: &mut Sha256,
    crc: &mut crc32fast::Hasher,
    bytes: &[u8],
) -> Result<(), ContentError> {
    *size += bytes.len() as u64;
    if *size > limit {
        return Err(ContentError::OverLimit);
    }
    sha256.update(bytes);
    crc.update(bytes);
    Ok(())
}

/// A count of bytes within one buffer.
fn as_len(count: u64) -> usize {
    usize::try_from(count).expect("no call moves more bytes than its buffers hold")
}
