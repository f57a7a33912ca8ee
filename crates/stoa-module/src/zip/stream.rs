//! The check of a zip while its bytes arrive.

mod record;

use crate::ModuleVersion;
use crate::dirhash::{Hash1, go_mod_h1_of_sum};

use super::content::{Content, ContentError, Digest};
use super::error::{SizeError, ZipError};
use super::limits::ZipLimits;
use super::names::EntryRules;
use super::problem::{FileError, FileErrors};
use super::record::{BadRecord, CentralHeader, LocalHeader, STORED};
use super::summary::ZipSummary;

use self::record::Directory;

/// What a streaming check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The zip is a module zip that the go command accepts.
    Checked(ZipSummary),
    /// Nothing is known: the zip cannot be judged front to back. Run [`check`](super::check()) on the whole file.
    NeedsSeek,
}

/// Checks a module zip while its bytes arrive, in pieces of any length, without keeping them.
///
/// Contents are inflated, hashed and forgotten; what is kept are names and 60 bytes for each entry, within
/// [`ZipLimits`]. Limits hold at every moment: a zip bomb ends at the first byte too many.
///
/// # Security
///
/// What a zip holds is what its central directory says, which comes last. Whatever the local headers said before
/// must therefore be confirmed by it: the same entries in the same order, with no byte between, before or after
/// them, the same names, methods, sizes and checksums, and an end record that no reader can mistake for another.
/// If anything differs, however harmless, the verdict is [`Verdict::NeedsSeek`] and the zip is read as Go's
/// `archive/zip` reads it. A zip is never accepted by its local headers alone.
///
/// Entries that cannot be told apart without the directory (stored contents of unknown length) and compression
/// other than deflate end so, too. Damage, truncation and broken limits are errors as soon as they are seen, even
/// where they concern bytes that the directory might not have mentioned.
pub struct StreamChecker {
    limits: ZipLimits,
    rules: EntryRules,
    content: Content,
    /// Names and hashes of the entries so far, in their order.
    hash: Hash1,
    /// The name of the entry whose content arrives.
    name: Vec<u8>,
    entries: Vec<CentralHeader>,
    go_mod: Option<[u8; 32]>,
    uncompressed: u64,
    received: u64,
    state: State,
    /// The start of the record that is being gathered.
    record: Vec<u8>,
    /// Where that record, or the current content, is in the file.
    offset: u64,
    directory: Directory,
}

/// What comes next.
enum State {
    /// A record, as soon as this many of its bytes are gathered.
    Record { wanted: usize },
    /// The content of an entry.
    Content(Current),
    /// The data descriptor of an entry, and some bytes more.
    Descriptor(Current, Digest),
    /// Nothing: the end record was complete.
    End,
    /// Somewhere the zip was not what it has to be for this check.
    NeedsSeek,
    /// An error was returned.
    Failed,
}

/// The entry whose content arrives.
#[derive(Clone, Copy)]
struct Current {
    header: LocalHeader,
    offset: u64,
    /// Bytes of compressed content to come, where the header knows.
    left: Option<u64>,
}

/// Why the check ends before the zip does.
enum Stop {
    /// The zip is not what it has to be for this check.
    NotPlain,
    /// The zip is refused.
    Refused(ZipError),
}

impl From<BadRecord> for Stop {
    fn from(_: BadRecord) -> Self {
        Self::NotPlain
    }
}

impl From<ZipError> for Stop {
    fn from(error: ZipError) -> Self {
        Self::Refused(error)
    }
}

impl StreamChecker {
    /// A check of a zip of `target`, of which nothing has arrived.
    pub fn new(target: &ModuleVersion, limits: ZipLimits) -> Self {
        Self {
            rules: EntryRules::new(target, &limits),
            limits,
            content: Content::new(),
            hash: Hash1::new(),
            name: Vec::new(),
            entries: Vec::new(),
            go_mod: None,
            uncompressed: 0,
            received: 0,
            state: State::Record { wanted: 4 },
            record: Vec::new(),
            offset: 0,
            directory: Directory::default(),
        }
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    ///
    /// [`ZipError::TooLarge`], [`ZipError::TooManyNames`], [`ZipError::BadFiles`] for a `go.mod` or `LICENSE` that is
    /// too large, [`ZipError::BadContent`] for damage. The check is over then. Other broken rules are reported by
    /// [`finish`](Self::finish), when it is known that the directory means what the local headers say.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), ZipError> {
        let result = self.take(chunk);
        if result.is_err() {
            self.give_up(State::Failed);
        }
        result
    }

    /// Ends the check: no bytes follow.
    ///
    /// # Errors
    ///
    /// [`ZipError::Malformed`] if the file is cut short or an error was returned before; [`ZipError::BadFiles`] and
    /// [`ZipError::TooLarge`] if rules are broken.
    pub fn finish(self) -> Result<Verdict, ZipError> {
        match self.state {
            State::NeedsSeek => return Ok(Verdict::NeedsSeek),
            State::End => {}
            State::Failed => return Err(ZipError::Malformed("an earlier check failed")),
            State::Record { .. } | State::Content(_) | State::Descriptor(..) => {
                return Err(ZipError::Malformed("unexpected end of file"));
            }
        }
        let (files, uncompressed) = self.rules.finish()?;
        Ok(Verdict::Checked(ZipSummary {
            h1: self.hash.finish(),
            files,
            uncompressed,
            go_mod_h1: self.go_mod.map(go_mod_h1_of_sum),
        }))
    }

    fn take(&mut self, mut chunk: &[u8]) -> Result<(), ZipError> {
        self.received += chunk.len() as u64;
        let limit = self.limits.archive_bytes;
        if self.received > limit {
            return Err(SizeError::Archive {
                size: self.received,
                limit,
            }
            .into());
        }
        while !chunk.is_empty() {
            let step = match self.state {
                State::Record { wanted } => self.gather(&mut chunk, wanted),
                State::Content(current) => self.feed(&mut chunk, current),
                State::Descriptor(current, digest) => self.gather_descriptor(&mut chunk, current, digest),
                State::End => Err(Stop::NotPlain),
                State::NeedsSeek => return Ok(()),
                State::Failed => return Err(ZipError::Malformed("an earlier check failed")),
            };
            match step {
                Ok(next) => self.state = next,
                Err(Stop::NotPlain) => self.give_up(State::NeedsSeek),
                Err(Stop::Refused(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends the check in a state that needs no memory.
    fn give_up(&mut self, state: State) {
        self.state = state;
        self.hash = Hash1::new();
        self.entries = Vec::new();
        self.record = Vec::new();
        self.name = Vec::new();
        self.rules.forget();
    }

    /// Begins the content of an entry whose name is in `self.name`.
    fn begin_content(&mut self, header: LocalHeader, offset: u64) -> Result<State, Stop> {
        let left = self.limits.uncompressed_bytes - self.uncompressed;
        let special = self
            .rules
            .size_limit(&self.name)
            .map_or(u64::MAX, |(limit, _)| limit);
        self.content.start(header.method, left.min(special));
        let left = (!header.has_descriptor()).then_some(header.compressed);
        let current = Current { header, offset, left };
        if left == Some(0) {
            // No byte of it will arrive. Deflated content is never empty, but Go does not read that of directories.
            if header.method != STORED && !self.name.ends_with(b"/") {
                return Err(Stop::NotPlain);
            }
            return self.end_content(current);
        }
        Ok(State::Content(current))
    }

    /// Takes that part of a chunk that belongs to the current content.
    fn feed(&mut self, chunk: &mut &[u8], mut current: Current) -> Result<State, Stop> {
        let reach = match current.left {
            Some(left) => usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len()),
            None => chunk.len(),
        };
        let progress = self
            .content
            .feed(&chunk[..reach])
            .map_err(|error| self.content_error(error))?;
        *chunk = &chunk[progress.consumed..];
        if let Some(left) = &mut current.left {
            *left -= progress.consumed as u64;
        }
        match (progress.complete, current.left) {
            (true, None | Some(0)) => self.end_content(current),
            (false, Some(0)) if current.header.method == STORED => self.end_content(current),
            // The deflate stream and the header disagree about its length.
            (true, Some(_)) | (false, Some(0)) => Err(Stop::NotPlain),
            (false, _) => Ok(State::Content(current)),
        }
    }

    fn content_error(&self, error: ContentError) -> ZipError {
        match error {
            ContentError::Corrupt => ZipError::BadContent {
                name: self.name.clone(),
                reason: "corrupt deflate data",
            },
            ContentError::OverLimit => {
                let left = self.limits.uncompressed_bytes - self.uncompressed;
                match self.rules.size_limit(&self.name) {
                    Some((limit, problem)) if limit < left => {
                        FileErrors(vec![FileError::new(self.name.clone(), problem)]).into()
                    }
                    _ => SizeError::Contents {
                        limit: self.limits.uncompressed_bytes,
                    }
                    .into(),
                }
            }
        }
    }

    /// The content is complete: a descriptor comes next, or another record.
    fn end_content(&mut self, current: Current) -> Result<State, Stop> {
        let digest = self.content.finish();
        self.offset += digest.compressed;
        if current.header.has_descriptor() {
            return Ok(State::Descriptor(current, digest));
        }
        if current.header.crc != digest.crc || current.header.uncompressed != digest.size {
            return Err(Stop::NotPlain);
        }
        self.end_entry(current, &digest)?;
        Ok(State::Record { wanted: 4 })
    }

    /// Remembers an entry until the directory confirms it.
    fn end_entry(&mut self, current: Current, digest: &Digest) -> Result<(), Stop> {
        if digest.size > 0 && self.name.ends_with(b"/") {
            return Err(Stop::NotPlain);
        }
        if self.entries.len() >= self.limits.entries {
            return Err(ZipError::TooManyNames.into());
        }
        self.uncompressed += digest.size;
        self.rules.check(&self.name, digest.size)?;
        if self.rules.is_go_mod(&self.name) {
            self.go_mod = Some(digest.sha256);
        }
        self.hash.push(&self.name, digest.sha256);
        self.entries.push(CentralHeader {
            flags: current.header.flags,
            method: current.header.method,
            crc: digest.crc,
            compressed: digest.compressed,
            uncompressed: digest.size,
            offset: current.offset,
        });
        Ok(())
    }
}
