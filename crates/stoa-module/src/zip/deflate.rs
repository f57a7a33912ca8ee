//! Compressing one content.

use std::fmt;
use std::io::{self, Read};

use flate2::{Compress, Compression, FlushCompress, Status};
use sha2::{Digest as _, Sha256};

use super::error::ZipError;
use super::level::Level;
use super::rules::FileEntry;

const BUFFER: usize = 64 * 1024;

/// What is known of a content once it is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its CRC-32.
    pub crc: u32,
    /// Its SHA-256, of which the `h1:` hash is made.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub size: u64,
    /// The length of its deflate stream in bytes.
    pub compressed: u64,
}

/// Compresses contents one after another, with buffers that are made once. Several may work side by side.
pub struct Deflater {
    compress: Compress,
    input: Box<[u8]>,
    buffer: Box<[u8]>,
}

impl Deflater {
    /// One that compresses as hard as `level` says.
    pub fn new(level: Level) -> Self {
        Self {
            compress: Compress::new(Compression::new(level.0), false),
            input: vec![0; BUFFER].into(),
            buffer: vec![0; BUFFER].into(),
        }
    }

    /// Reads the content of `file`, which must be as long as `file` says, and gives the deflate stream to `output`,
    /// piece by piece.
    ///
    /// # Errors
    ///
    /// [`ZipError::LargerThanDeclared`] and [`ZipError::SmallerThanDeclared`]; [`ZipError::Io`] from `content` and
    /// `output`.
    pub fn deflate(
        &mut self,
        file: &FileEntry,
        content: impl Read,
        mut output: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Member, ZipError> {
        self.compress.reset();
        let mut sha256 = Sha256::new();
        let mut crc = crc32fast::Hasher::new();
        let mut content = content.take(file.size.saturating_add(1));
        let mut size = 0;
        loop {
            let n = match content.read(&mut self.input) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            size += n as u64;
            if size > file.size {
                return Err(ZipError::LargerThanDeclared {
                    path: file.path.clone(),
                });
            }
            sha256.update(&self.input[..n]);
            crc.update(&self.input[..n]);
            self.compress_input(n, &mut output)?;
            if n == 0 {
                break;
            }
        }
        if size < file.size {
            return Err(ZipError::SmallerThanDeclared {
                path: file.path.clone(),
            });
        }
        Ok(Member {
            crc: crc.finalize(),
            sha256: sha256.finalize().into(),
            size,
            compressed: self.compress.total_out(),
        })
    }

    /// Compresses the first `len` bytes of the input; none at all ends the stream.
    fn compress_input(
        &mut self,
        len: usize,
        output: &mut impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let flush = if len == 0 {
            FlushCompress::Finish
        } else {
            FlushCompress::None
        };
        let mut done = 0;
        loop {
            let (read, written) = (self.compress.total_in(), self.compress.total_out());
            let status = self
                .compress
                .compress(&self.input[done..len], &mut self.buffer, flush)?;
            done += usize::try_from(self.compress.total_in() - read).map_err(io::Error::other)?;
            let written = usize::try_from(self.compress.total_out() - written).map_err(io::Error::other)?;
            if written > 0 {
                output(&self.buffer[..written])?;
            }
            let ended = if len == 0 {
                status == Status::StreamEnd
            } else {
                done == len
            };
            if ended && written < self.buffer.len() {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").finish_non_exhaustive()
    }
}
