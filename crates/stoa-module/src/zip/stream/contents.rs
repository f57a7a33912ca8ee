//! The contents of the entries, and what is remembered of each until the directory confirms it.

use super::checker::{Current, State, Stop, StreamChecker};
use crate::zip::content::{ContentError, Digest};
use crate::zip::error::{SizeError, ZipError};
use crate::zip::problem::{FileError, FileErrors};
use crate::zip::record::{CentralHeader, LocalHeader, STORED};

impl StreamChecker {
    /// Begins the content of an entry whose name is in `self.name`.
    pub(super) fn begin_content(&mut self, header: LocalHeader, offset: u64) -> Result<State, Stop> {
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
    pub(super) fn feed(&mut self, chunk: &mut &[u8], mut current: Current) -> Result<State, Stop> {
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
    pub(super) fn end_entry(&mut self, current: Current, digest: &Digest) -> Result<(), Stop> {
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
