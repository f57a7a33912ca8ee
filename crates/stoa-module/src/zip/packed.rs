//! Module zips of contents that were compressed ahead of their turn.

use std::io;

use super::deflate::Member;
use super::emit::{self, DESCRIPTOR_LEN, Written};
use super::error::ZipError;
use super::names::prefix;
use super::rules::{FileEntry, sort_files};
use super::summary::ZipSummary;
use crate::ModuleVersion;
use crate::dirhash::{Hash1, go_mod_h1_of_sum};

/// A module zip whose contents are compressed already, wherever they are kept: all of it but those contents.
///
/// Its length and hash are known before its first byte is written. Byte for byte it is what [`create`](super::create)
/// makes of the same files with the same level.
#[derive(Debug)]
pub struct PackedZip {
    /// Running h1 hash over file names and content hashes.
    hash: Hash1,
    /// Places in the list of files, in the order of the zip.
    files: Vec<usize>,
    entries: Vec<Written>,
    summary: ZipSummary,
    /// Where the directory starts, and how long it is.
    directory: (u64, u64),
    bytes: u64,
}

/// A piece of a [`PackedZip`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The deflate stream of the file at this place in the list of files.
    Content(usize),
}

impl PackedZip {
    /// Puts the zip of a module together from the files of its source tree (`Create` of `golang.org/x/mod/zip`).
    ///
    /// The files are sorted by [`check_files`](super::check_files); valid ones come in the order of the list. `go_mod`
    /// is the content of the root `go.mod`, if there is one. `member` tells of the content of the file at a place in
    /// the list; it is asked for valid files only.
    ///
    /// # Errors
    ///
    /// [`ZipError::TooLarge`] and [`ZipError::BadFiles`]; [`ZipError::SmallerThanDeclared`] and
    /// [`ZipError::LargerThanDeclared`] if a content is not as long as the list says; [`ZipError::Io`] if a content is
    /// missing or the zip would exceed 4 GiB.
    pub fn new(
        target: &ModuleVersion,
        files: &[FileEntry],
        go_mod: Option<&[u8]>,
        mut member: impl FnMut(usize) -> Option<Member>,
    ) -> Result<Self, ZipError> {
        let (checked, valid) = sort_files(files, go_mod);
        checked.into_result()?;
        let prefix = prefix(target);
        let (mut hash, mut entries) = (Hash1::new(), Vec::with_capacity(valid.len()));
        let (mut offset, mut directory_len, mut uncompressed, mut go_mod_sum) = (0, 0, 0, None);
        for &index in &valid {
            let file = &files[index];
            let member = member(index).ok_or_else(|| io::Error::other("a file has no content"))?;
            check_len(file, &member)?;
            let name = [prefix.as_bytes(), &file.path].concat();
            let written = Written::new(&name, offset, &member)?;
            offset += emit::local_header(&name)?.len() as u64 + member.compressed + DESCRIPTOR_LEN;
            directory_len += written.directory_entry(&name)?.len() as u64;
            uncompressed += member.size;
            if file.path == b"go.mod" {
                go_mod_sum = Some(member.sha256);
            }
            hash.push(&name, member.sha256);
            entries.push(written);
        }
        let count = entries.len() as u64;
        let end_len = emit::end(count, directory_len, offset).len() as u64;
        Ok(Self {
            summary: ZipSummary {
                h1: hash.finish(),
                files: count,
                uncompressed,
                go_mod_h1: go_mod_sum.map(go_mod_h1_of_sum),
            },
            hash,
            files: valid,
            entries,
            directory: (offset, directory_len),
            bytes: offset + directory_len + end_len,
        })
    }

    /// The length of the whole zip, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the zip holds.
    pub fn summary(&self) -> &ZipSummary {
        &self.summary
    }

    /// The `n`th piece, from 0; `None` behind the last one. They follow one another without a gap.
    ///
    /// # Errors
    ///
    /// None that [`PackedZip::new`] has not found before.
    pub fn part(&self, n: usize) -> io::Result<Option<Part>> {
        let count = self.entries.len();
        let index = n / 3;
        let bytes = if index < count {
            match n % 3 {
                0 => emit::local_header(self.hash.name(index))?,
                1 => return Ok(Some(Part::Content(self.files[index]))),
                _ => self.entries[index].descriptor(),
            }
        } else if let Some(entry) = self.entries.get(n - 3 * count) {
            entry.directory_entry(self.hash.name(n - 3 * count))?
        } else if n == 4 * count {
            let (start, len) = self.directory;
            emit::end(count as u64, len, start)
        } else {
            return Ok(None);
        };
        Ok(Some(Part::Bytes(bytes)))
    }
}

fn check_len(file: &FileEntry, member: &Member) -> Result<(), ZipError> {
    let path = || file.path.clone();
    match member.size.cmp(&file.size) {
        std::cmp::Ordering::Less => Err(ZipError::SmallerThanDeclared { path: path() }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(ZipError::LargerThanDeclared { path: path() }),
    }
}
