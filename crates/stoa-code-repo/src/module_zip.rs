//! The zip of a version.

use std::{
    fmt,
    io::{self, Write},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use stoa_module::{
    ModuleVersion,
    zip::{MAX_ZIP_FILE, PackedZip, Part, SizeError, ZipSummary},
};

use crate::{
    CodeRepoError, CodeRepoReason,
    contents::Reuse,
    packed::{Packed, Place},
    spool::Spool,
};

/// How much of a zip is read at once, in bytes.
const PIECE: usize = 256 << 10;

/// The zip of a version, ready to be read: its length and its hash are known. Its compressed contents wait in memory or
/// in a file without a name, and are read once for each reader.
pub struct ModuleZip {
    target: ModuleVersion,
    zip: PackedZip,
    packed: Vec<Option<Packed>>,
    spool: Spool,
    /// Counts what is held of earlier zips.
    _reuse: Arc<Reuse>,
}

/// Where a reader of a zip is.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    part: usize,
    /// Bytes of the part that were read.
    done: u64,
}

impl ModuleZip {
    pub(crate) fn new(
        target: ModuleVersion,
        zip: PackedZip,
        packed: Vec<Option<Packed>>,
        spool: Spool,
        reuse: Arc<Reuse>,
    ) -> Self {
        Self {
            target,
            zip,
            packed,
            spool,
            _reuse: reuse,
        }
    }

    /// Refuses a zip that the go command would not take.
    pub(crate) fn check_size(self) -> Result<Self, CodeRepoReason> {
        let (size, limit) = (self.bytes(), MAX_ZIP_FILE);
        if size > limit {
            return Err(CodeRepoReason::zip(SizeError::Archive { size, limit }.into()));
        }
        Ok(self)
    }

    /// The length of the zip, in bytes.
    pub fn bytes(&self) -> u64 {
        self.zip.bytes()
    }

    /// What the zip holds, and its hash.
    pub fn summary(&self) -> &ZipSummary {
        self.zip.summary()
    }

    /// Writes all of it. For blocking threads.
    ///
    /// # Errors
    ///
    /// When a temporary file cannot be read, or `sink` fails.
    pub fn write_to(&self, mut sink: impl Write) -> io::Result<()> {
        let mut cursor = Cursor::default();
        loop {
            let piece = self.read(&mut cursor)?;
            if piece.is_empty() {
                return sink.flush();
            }
            sink.write_all(&piece)?;
        }
    }

    /// All of it, piece by piece, read on threads for blocking work as the pieces are asked for.
    pub fn pieces(self: Arc<Self>) -> BoxStream<'static, Result<Bytes, CodeRepoError>> {
        let start = Some((self, Cursor::default()));
        stream::unfold(start, |state| async {
            let (zip, mut cursor) = state?;
            let reader = Arc::clone(&zip);
            let read = tokio::task::spawn_blocking(move || (reader.read(&mut cursor), cursor));
            let (piece, cursor) = match read.await {
                Ok(read) => read,
                Err(error) => (Err(io::Error::other(error)), cursor),
            };
            match piece {
                Ok(piece) if piece.is_empty() => None,
                Ok(piece) => Some((Ok(piece.into()), Some((zip, cursor)))),
                Err(error) => Some((Err(zip.unreadable(error)), None)),
            }
        })
        .boxed()
    }

    fn unreadable(&self, error: io::Error) -> CodeRepoError {
        let (module, version) = (self.target.path().clone(), self.target.version());
        CodeRepoError::of_content(module, version.as_str(), CodeRepoReason::spool(error))
    }

    /// The next piece; an empty one at the end.
    fn read(&self, cursor: &mut Cursor) -> io::Result<Vec<u8>> {
        // The last of its parts may be a header.
        let mut piece = Vec::with_capacity(PIECE + 1024);
        while piece.len() < PIECE {
            let Some(part) = self.zip.part(cursor.part)? else {
                break;
            };
            match part {
                Part::Bytes(bytes) => {
                    piece.extend_from_slice(&bytes);
                    cursor.part += 1;
                }
                Part::Content(index) if self.read_content(index, &mut cursor.done, &mut piece)? => {
                    *cursor = Cursor {
                        part: cursor.part + 1,
                        done: 0,
                    };
                }
                Part::Content(_) => {}
            }
        }
        Ok(piece)
    }

    /// Adds to `piece` what fits of a content, of which `done` bytes were read; true at its end.
    fn read_content(&self, index: usize, done: &mut u64, piece: &mut Vec<u8>) -> io::Result<bool> {
        let packed = self.packed.get(index).and_then(Option::as_ref);
        let packed = packed.ok_or(io::ErrorKind::NotFound)?;
        let extents = match &packed.place {
            Place::Held(content) => {
                let start = usize::try_from(*done).map_err(io::Error::other)?;
                let rest = content.bytes.get(start..).unwrap_or_default();
                let len = rest.len().min(PIECE.saturating_sub(piece.len()));
                piece.extend_from_slice(&rest[..len]);
                *done += len as u64;
                return Ok(len == rest.len());
            }
            Place::Spooled(extent) => std::slice::from_ref(extent),
            Place::Pieces(extents) => extents,
        };
        let mut start = 0;
        for extent in extents {
            let end = start + extent.len;
            if *done < end {
                let room = PIECE.saturating_sub(piece.len());
                let rest = usize::try_from(end - *done).unwrap_or(usize::MAX);
                let (at, len) = (piece.len(), rest.min(room));
                piece.resize(at + len, 0);
                self.spool
                    .read(extent.offset + (*done - start), &mut piece[at..])?;
                *done += len as u64;
                if len < rest {
                    return Ok(false);
                }
            }
            start = end;
        }
        Ok(true)
    }
}

impl fmt::Debug for ModuleZip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleZip")
            .field("bytes", &self.bytes())
            .field("summary", self.summary())
            .finish_non_exhaustive()
    }
}
