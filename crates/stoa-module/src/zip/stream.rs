//! The check of a zip while its bytes arrive.

mod checker;
mod contents;
mod record;

pub use self::checker::StreamChecker;

use self::checker::{State, Stop};
use super::error::{SizeError, ZipError};
use super::summary::ZipSummary;
use crate::dirhash::go_mod_h1_of_sum;

/// What a streaming check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamVerdict {
    /// The zip is a module zip that the go command accepts.
    Checked(ZipSummary),
    /// Nothing is known: the zip cannot be judged front to back. Run [`check`](super::check()) on the whole file.
    NeedsSeek,
}

impl StreamChecker {
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
    pub fn finish(self) -> Result<StreamVerdict, ZipError> {
        match self.state {
            State::NeedsSeek => return Ok(StreamVerdict::NeedsSeek),
            State::End => {}
            State::Failed => return Err(ZipError::Malformed("an earlier check failed")),
            State::Record { .. } | State::Content(_) | State::Descriptor(..) => {
                return Err(ZipError::Malformed("unexpected end of file"));
            }
        }
        let (files, uncompressed) = self.rules.finish()?;
        Ok(StreamVerdict::Checked(ZipSummary {
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
}
