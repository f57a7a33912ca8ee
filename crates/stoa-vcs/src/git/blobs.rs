//! The files of a folder without attributes: what is stored is what a checkout has.

use std::collections::HashSet;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::vec;

use super::GitRepository;
use super::file_list::{ListedFile, MOST, OVERHEAD};
use super::program::failed;
use super::state::RepositoryState;
use crate::cache::Lease;
use crate::process::Stream;
use crate::{Archive, ContentId, Entry, KnownContents, Step, VcsError, VcsKind};

/// How many bytes are read from git at once.
const PIECE: usize = 64 << 10;

/// The longest line before a content, in bytes: a hash, a word, a number.
const LINE: u64 = 256;

/// A caller without contents.
pub(super) struct NothingKnown;

impl KnownContents for NothingKnown {
    fn size(&self, _: &[u8], _: &ContentId) -> Option<u64> {
        None
    }
}

impl GitRepository {
    /// These files as they are stored: those that are not `known` are fetched where they are missing, and read by one
    /// `git cat-file`.
    pub(super) async fn export_blobs(
        &self,
        lease: Lease,
        mut files: Vec<ListedFile>,
        limit: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let mut wanted = Vec::new();
        for file in &mut files {
            file.known = known.size(&file.path, &file.id);
            if file.known.is_none() {
                wanted.push(file.id.to_string());
            }
        }
        let asked: HashSet<String> = wanted.iter().cloned().collect();
        let missing = self.missing(&lease, asked).await?;
        if !missing.is_empty() {
            self.fetch_objects(&lease, &missing, Step::Archive).await?;
        }
        let stream = if wanted.is_empty() {
            None
        } else {
            let asked = self.questions(&wanted);
            let asked = asked.map_err(|error| failed(Step::Archive, error.to_string()))?;
            let call = self.program.local("cat-blobs", Step::Archive, lease.path());
            let call = call.args(["cat-file", "--batch", "--buffer"]).input(asked);
            let call = call.limit(limit.saturating_add(MOST * OVERHEAD));
            Some(BufReader::with_capacity(PIECE, call.stream().await?))
        };
        Ok(Box::new(BlobArchive {
            files: files.into_iter(),
            content: Content { stream, left: 0 },
            known: SkippedContent,
            owed: 0,
            left: limit,
            limit,
            count: 0,
            state: Arc::clone(&self.state),
            _lease: lease,
        }))
    }

    /// A file without a name that has these lines.
    fn questions(&self, lines: &[String]) -> io::Result<std::fs::File> {
        let mut file = tempfile::tempfile_in(self.cache.sessions())?;
        let mut text = lines.join("\n");
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(file)
    }
}

/// What `git cat-file` prints of one content.
#[derive(Debug)]
struct Content {
    /// `None` if no content has to be read.
    stream: Option<BufReader<Stream>>,
    /// What is left of the content.
    left: u64,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(stream) = self.stream.as_mut().filter(|_| self.left > 0) else {
            return Ok(0);
        };
        let read = stream.take(self.left).read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// The content of a file that the caller said to know.
#[derive(Debug)]
struct SkippedContent;

impl Read for SkippedContent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the content was said to be known"))
    }
}

/// The files of a tree and their contents.
struct BlobArchive {
    files: vec::IntoIter<ListedFile>,
    content: Content,
    known: SkippedContent,
    /// The line breaks that are still to be read: one behind each content.
    owed: u64,
    left: u64,
    limit: u64,
    count: u64,
    state: Arc<RepositoryState>,
    /// The repository stays while it is read.
    _lease: Lease,
}

impl BlobArchive {
    /// What it means that reading failed.
    fn failure(&self, error: &io::Error) -> VcsError {
        let error = VcsError::from_io(error, VcsKind::Git, Step::Archive);
        let suspect = &self.state.health.suspect;
        suspect.fetch_or(matches!(error, VcsError::Failed { .. }), Ordering::AcqRel);
        error
    }

    /// Skips the unread rest of a content.
    fn skip(&mut self) -> io::Result<()> {
        let owed = std::mem::take(&mut self.owed);
        self.content.left += owed;
        io::copy(&mut self.content, &mut io::sink()).map(drop)
    }

    /// The length of the next content, which must be that of `id`.
    fn begin(&mut self, id: &ContentId) -> io::Result<u64> {
        let stream = self.content.stream.as_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut line = Vec::new();
        stream.take(LINE).read_until(b'\n', &mut line)?;
        let text = String::from_utf8_lossy(&line);
        let size = text
            .strip_prefix(&id.to_string())
            .and_then(|rest| rest.strip_prefix(" blob "))
            .and_then(|rest| rest.strip_suffix('\n'))
            .and_then(|size| size.parse().ok());
        let size = size.ok_or_else(|| {
            let text = text.escape_debug();
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("cat-file said \"{text}\" of {id}"),
            )
        })?;
        (self.content.left, self.owed) = (size, 1);
        Ok(size)
    }

    /// Waits for the end of the program.
    fn end(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.content.stream.take() else {
            return Ok(());
        };
        match io::copy(&mut stream, &mut io::sink())? {
            0 => Ok(()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "cat-file said more than it was asked",
            )),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Archive for BlobArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        self.skip().map_err(|error| self.failure(&error))?;
        let Some(file) = self.files.next() else {
            self.end().map_err(|error| self.failure(&error))?;
            return Ok(None);
        };
        let size = match file.known {
            Some(size) => size,
            None => self.begin(&file.id).map_err(|error| self.failure(&error))?,
        };
        self.count += 1;
        self.left = match self.left.checked_sub(size) {
            Some(left) if self.count <= MOST => left,
            _ => {
                return Err(VcsError::TooLarge {
                    vcs: VcsKind::Git,
                    step: Step::Archive,
                    limit: self.limit,
                });
            }
        };
        let content: &mut dyn Read = match file.known {
            Some(_) => &mut self.known,
            None => &mut self.content,
        };
        Ok(Some(Entry {
            path: file.path,
            kind: file.kind,
            id: Some(file.id),
            size,
            content,
        }))
    }
}
