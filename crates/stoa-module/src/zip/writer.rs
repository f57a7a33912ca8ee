//! Writing module zips.

use std::io::{self, Read, Write};

use super::deflate::Deflater;
use super::emit::{self, Written};
use super::error::ZipError;
use super::level::Level;
use super::names::prefix;
use super::rules::{FileEntry, sort_files};
use super::summary::ZipSummary;
use crate::ModuleVersion;
use crate::dirhash::{Hash1, go_mod_h1_of_sum};

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
    deflater: Deflater,
    hash: Hash1,
    entries: Vec<Written>,
    uncompressed: u64,
    go_mod: Option<[u8; 32]>,
}

impl<W: Write> ZipWriter<W> {
    fn new(output: W, target: &ModuleVersion, level: Level) -> Self {
        Self {
            output,
            prefix: prefix(target),
            offset: 0,
            deflater: Deflater::new(level),
            hash: Hash1::new(),
            entries: Vec::new(),
            uncompressed: 0,
            go_mod: None,
        }
    }

    fn add(&mut self, file: &FileEntry, content: impl Read) -> Result<(), ZipError> {
        let name = [self.prefix.as_bytes(), &file.path].concat();
        let offset = self.offset;
        self.write(&emit::local_header(&name)?)?;
        let output = &mut self.output;
        let member = self
            .deflater
            .deflate(file, content, |bytes| output.write_all(bytes))?;
        self.offset += member.compressed;
        let written = Written::new(&name, offset, &member)?;
        self.write(&written.descriptor())?;

        if file.path == b"go.mod" {
            self.go_mod = Some(member.sha256);
        }
        self.uncompressed += member.size;
        self.hash.push(&name, member.sha256);
        self.entries.push(written);
        Ok(())
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
            let record = self.entries[index].directory_entry(self.hash.name(index))?;
            self.write(&record)?;
        }
        let (count, size) = (self.entries.len() as u64, self.offset - start);
        self.write(&emit::end(count, size, start))?;
        self.output.flush()?;
        Ok(ZipSummary {
            h1: self.hash.finish(),
            files: count,
            uncompressed: self.uncompressed,
            go_mod_h1: self.go_mod.map(go_mod_h1_of_sum),
        })
    }
}
