//! Writing module zips.

use std::io::{self, Read, Write};

use flate2::{Compress, Compression, FlushCompress, Status};
use sha2::{Digest as _, Sha256};

use crate::ModuleVersion;
use crate::dirhash::{Hash1, go_mod_h1_of_sum};

use super::error::ZipError;
use super::names::prefix;
use super::record::{DEFLATED, FLAG_DESCRIPTOR, FLAG_UTF8, signature};
use super::rules::{FileEntry, sort_files};
use super::summary::ZipSummary;

const BUFFER: usize = 64 * 1024;

/// PKZIP 2.0: the version that deflate needs. Go writes it for every entry.
const VERSION: u16 = 20;
const VERSION64: u16 = 45;

/// How hard to compress, from 0 to 9; 6 by default.
///
/// Contents are what matters to a module's identity, so the level is free to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u32);

impl Level {
    /// A level; whatever is above 9 counts as 9.
    pub fn new(level: u32) -> Self {
        Self(level.min(9))
    }
}

impl Default for Level {
    fn default() -> Self {
        Self(6)
    }
}

/// Writes the zip of a module from the files of its source tree (`Create` of `golang.org/x/mod/zip`).
///
/// The files are sorted by [`check_files`](super::check_files); valid ones are written in the order of the list, so
/// that the same list always makes the same bytes. `go_mod` is the content of the root `go.mod`, if there is one.
/// `open` gives the content of a file when its turn comes.
///
/// # Deviation
///
/// A file that turns out smaller than its entry in the list is an error, where Go writes what there is: a source
/// that was cut short must not become the content of a version.
///
/// # Errors
///
/// [`ZipError::TooLarge`] and [`ZipError::BadFiles`] before anything is written;
/// [`ZipError::LargerThanDeclared`] and [`ZipError::SmallerThanDeclared`]; [`ZipError::Io`] from `open`, a content
/// or `output`.
pub fn create<W: Write, R: Read>(
    output: W,
    target: &ModuleVersion,
    files: &[FileEntry],
    go_mod: Option<&[u8]>,
    level: Level,
    mut open: impl FnMut(&FileEntry) -> io::Result<R>,
) -> Result<ZipSummary, ZipError> {
    let (checked, valid) = sort_files(files, go_mod);
    checked.into_result()?;
    let mut writer = ZipWriter::new(output, target, level);
    for index in valid {
        let file = &files[index];
        let content = open(file)?;
        writer.add(file, content)?;
    }
    writer.finish()
}

/// Writes entries front to back, with sizes and checksums behind the contents as Go does.
struct ZipWriter<W> {
    output: W,
    prefix: String,
    offset: u64,
    compress: Compress,
    input: Box<[u8]>,
    buffer: Box<[u8]>,
    hash: Hash1,
    entries: Vec<Written>,
    uncompressed: u64,
    go_mod: Option<[u8; 32]>,
}

/// What the directory tells of an entry.
struct Written {
    offset: u32,
    crc: u32,
    compressed: u32,
    size: u32,
    flags: u16,
}

impl<W: Write> ZipWriter<W> {
    fn new(output: W, target: &ModuleVersion, level: Level) -> Self {
        Self {
            output,
            prefix: prefix(target),
            offset: 0,
            compress: Compress::new(Compression::new(level.0), false),
            input: vec![0; BUFFER].into(),
            buffer: vec![0; BUFFER].into(),
            hash: Hash1::new(),
            entries: Vec::new(),
            uncompressed: 0,
            go_mod: None,
        }
    }

    fn add(&mut self, file: &FileEntry, content: impl Read) -> Result<(), ZipError> {
        let name = [self.prefix.as_bytes(), &file.path].concat();
        let flags = FLAG_DESCRIPTOR | if name.is_ascii() { 0 } else { FLAG_UTF8 };
        let offset = narrow(self.offset)?;
        let mut header = Vec::with_capacity(30 + name.len());
        header.extend(signature::LOCAL.to_le_bytes());
        header.extend(VERSION.to_le_bytes());
        header.extend(flags.to_le_bytes());
        header.extend(DEFLATED.to_le_bytes());
        header.extend([0; 16]); // time, checksum, sizes
        header.extend(name_len(&name)?.to_le_bytes());
        header.extend([0; 2]); // extra fields
        header.extend(&name);
        self.write(&header)?;

        let start = self.offset;
        let (sha256, crc) = self.deflate(file, content)?;
        let (compressed, size) = (narrow(self.offset - start)?, narrow(file.size)?);
        let mut descriptor = Vec::with_capacity(16);
        for number in [signature::DESCRIPTOR, crc, compressed, size] {
            descriptor.extend(number.to_le_bytes());
        }
        self.write(&descriptor)?;

        if file.path == b"go.mod" {
            self.go_mod = Some(sha256);
        }
        self.uncompressed += file.size;
        self.hash.push(&name, sha256);
        self.entries.push(Written {
            offset,
            crc,
            compressed,
            size,
            flags,
        });
        Ok(())
    }

    /// Writes a content, which must be as long as the list of files says; returns its SHA-256 and its checksum.
    fn deflate(&mut self, file: &FileEntry, content: impl Read) -> Result<([u8; 32], u32), ZipError> {
        self.compress.reset();
        let mut sha256 = Sha256::new();
        let mut crc = crc32fast::Hasher::new();
        let mut content = content.take(file.size + 1);
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
            self.compress_input(n)?;
            if n == 0 {
                break;
            }
        }
        if size < file.size {
            return Err(ZipError::SmallerThanDeclared {
                path: file.path.clone(),
            });
        }
        Ok((sha256.finalize().into(), crc.finalize()))
    }

    /// Compresses the first `len` bytes of the input; none at all ends the stream.
    fn compress_input(&mut self, len: usize) -> io::Result<()> {
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
            self.output.write_all(&self.buffer[..written])?;
            self.offset += written as u64;
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

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Writes the directory.
    fn finish(mut self) -> Result<ZipSummary, ZipError> {
        let start = self.offset;
        for index in 0..self.entries.len() {
            let record = self.directory_entry(index)?;
            self.write(&record)?;
        }
        let (count, size) = (self.entries.len() as u64, self.offset - start);
        self.write_end(count, size, start)?;
        self.output.flush()?;
        Ok(ZipSummary {
            h1: self.hash.finish(),
            files: count,
            uncompressed: self.uncompressed,
            go_mod_h1: self.go_mod.map(go_mod_h1_of_sum),
        })
    }

    fn directory_entry(&self, index: usize) -> io::Result<Vec<u8>> {
        let (entry, name) = (&self.entries[index], self.hash.name(index));
        let mut record = Vec::with_capacity(46 + name.len());
        record.extend(signature::CENTRAL.to_le_bytes());
        for number in [VERSION, VERSION, entry.flags, DEFLATED, 0, 0] {
            record.extend(number.to_le_bytes());
        }
        for number in [entry.crc, entry.compressed, entry.size] {
            record.extend(number.to_le_bytes());
        }
        record.extend(name_len(name)?.to_le_bytes());
        record.extend([0; 12]); // extra fields, comment, disk, attributes
        record.extend(entry.offset.to_le_bytes());
        record.extend(name);
        Ok(record)
    }

    /// Writes the end record, preceded by its zip64 counterpart where it cannot hold the numbers.
    fn write_end(&mut self, count: u64, size: u64, start: u64) -> io::Result<()> {
        let mut record = Vec::new();
        let is_zip64 = count >= 0xffff || size >= u64::from(u32::MAX) || start >= u64::from(u32::MAX);
        if is_zip64 {
            record.extend(signature::END64.to_le_bytes());
            record.extend(44_u64.to_le_bytes()); // bytes that follow
            record.extend(VERSION64.to_le_bytes());
            record.extend(VERSION64.to_le_bytes());
            record.extend([0; 8]); // disks
            for number in [count, count, size, start] {
                record.extend(number.to_le_bytes());
            }
            record.extend(signature::LOCATOR64.to_le_bytes());
            record.extend([0; 4]); // disk
            record.extend((start + size).to_le_bytes());
            record.extend(1_u32.to_le_bytes()); // disks
        }
        let count = u16::try_from(count)
            .ok()
            .filter(|_| !is_zip64)
            .unwrap_or(u16::MAX);
        let narrow = |number| {
            u32::try_from(number)
                .ok()
                .filter(|_| !is_zip64)
                .unwrap_or(u32::MAX)
        };
        record.extend(signature::END.to_le_bytes());
        record.extend([0; 4]); // disks
        record.extend(count.to_le_bytes());
        record.extend(count.to_le_bytes());
        record.extend(narrow(size).to_le_bytes());
        record.extend(narrow(start).to_le_bytes());
        record.extend([0; 2]); // comment
        self.write(&record)
    }
}

/// A number that has 32 bits in the records of an entry; the rules for sizes keep all of them below.
fn narrow(number: u64) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::other("zip file exceeds 4 GiB"))
}

fn name_len(name: &[u8]) -> io::Result<u16> {
    u16::try_from(name.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "file name is too long"))
}
