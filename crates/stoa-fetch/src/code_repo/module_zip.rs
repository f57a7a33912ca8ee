//! The zip of a version.

use std::{
    fmt,
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use stoa_module::{
    CheckError, ModuleVersion, Version,
    zip::{PackedZip, Part, SizeError, ZipSummary},
};
use stoa_vcs::RevisionId;

use super::{
    CodeRepo,
    contents::Reuse,
    error::{CodeFault, CodeRepoError},
    pack::{Packed, Packer, Place, zip_fault},
    spool::Spool,
};

/// How much of a zip is read at once, in bytes.
const PIECE: usize = 256 << 10;

/// The zip of a version, ready to be read: its length and its hash are known. Its compressed contents wait in memory or
/// in a file without a name, and are read once for each reader.
pub struct ModuleZip {
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

impl CodeRepo {
    /// Makes the zip of a version (`Zip` of cmd/go): the files of its folder without those of other modules, without
    /// vendored packages and links, and with the LICENSE of the repository's root if it has none. Temporary files go
    /// into `dir`.
    ///
    /// # Errors
    ///
    /// [`CodeMeaning::Invalid`](super::CodeMeaning::Invalid) if the files make no zip, because of a name for instance:
    /// one is enough, and asking again ends the same way.
    pub async fn zip(&self, version: &Version, dir: &Path) -> Result<ModuleZip, CodeRepoError> {
        let about = |fault| CodeRepoError::of_content(self.module().clone(), version.as_str(), fault);
        let target = ModuleVersion::new(self.module().clone(), version.clone());
        let target = target.map_err(|error| match error {
            CheckError::Version { reason, .. } => self.at_query(version.as_str(), reason),
            error @ CheckError::Path(_) => about(CodeFault::Internal(error.to_string())),
        })?;
        self.validate(version).await?;
        let (revision, found) = self.module_dir(version).await?;
        let code = &self.source.code;
        let license = self.license(&revision.id, &found.path).await;
        let reuse = Arc::new(Reuse::new(Arc::clone(&self.contents), self.repository_key));
        let archive = code.archive_unless_known(&revision.id, &found.path, self.limits.tree, &*reuse);
        let archive = archive.await;
        let mut archive = archive.map_err(|error| about(error.into()))?;
        let stop = Stop::default();
        let packer = Packer {
            target,
            license,
            reuse,
            limits: self.limits.clone(),
            dir: dir.to_owned(),
            stop: Arc::clone(&stop.0),
        };
        let packing = tokio::task::spawn_blocking(move || packer.pack(&mut *archive));
        let packed = packing.await;
        drop(stop);
        let packed = packed.map_err(|error| about(CodeFault::Internal(error.to_string())))?;
        packed.and_then(ModuleZip::check_size).map_err(about)
    }

    /// The LICENSE of the root for a module below it. It may not be needed, so that a failure is one only if it is.
    async fn license(&self, at: &RevisionId, dir: &str) -> Option<Result<Bytes, stoa_vcs::VcsError>> {
        if dir.is_empty() {
            return None;
        }
        let license = self.source.file(at, "LICENSE", self.limits.license).await;
        license.transpose()
    }
}

/// Ends the work on a zip that nobody waits for any more.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl ModuleZip {
    pub(super) fn new(zip: PackedZip, packed: Vec<Option<Packed>>, spool: Spool, reuse: Arc<Reuse>) -> Self {
        Self {
            zip,
            packed,
            spool,
            _reuse: reuse,
        }
    }

    fn check_size(self) -> Result<Self, CodeFault> {
        let (size, limit) = (self.bytes(), stoa_module::zip::MAX_ZIP_FILE);
        if size > limit {
            return Err(zip_fault(SizeError::Archive { size, limit }.into()));
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
    pub fn pieces(self: Arc<Self>) -> BoxStream<'static, io::Result<Bytes>> {
        let start = Some((self, Cursor::default()));
        stream::unfold(start, |state| async {
            let (zip, mut cursor) = state?;
            let read = tokio::task::spawn_blocking(move || {
                let piece = zip.read(&mut cursor);
                (zip, cursor, piece)
            });
            match read.await {
                Ok((_, _, Ok(piece))) if piece.is_empty() => None,
                Ok((zip, cursor, Ok(piece))) => Some((Ok(piece.into()), Some((zip, cursor)))),
                Ok((_, _, Err(error))) => Some((Err(error), None)),
                Err(error) => Some((Err(io::Error::other(error)), None)),
            }
        })
        .boxed()
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
