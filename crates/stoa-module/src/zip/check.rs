//! The check of a whole zip file that can be read at any offset.

use std::io::{Read, Seek, SeekFrom};

use super::content::{Content, ContentError, Digest};
use super::directory::{DirectoryEntry, read_at, read_directory};
use super::error::{SizeError, ZipError};
use super::limits::ZipLimits;
use super::names::EntryRules;
use super::record::{DEFLATED, LOCAL_LEN, LocalHeader, STORED, signature, u32_at};
use super::rules::CheckedFiles;
use super::summary::ZipSummary;
use crate::ModuleVersion;
use crate::dirhash::{Hash1, go_mod_h1_of_sum};

/// Checks that a file is a module zip of `target` that the go command accepts, and hashes it.
///
/// This is what `CheckZip` and `Unzip` of `golang.org/x/mod/zip` and `HashZip` of `dirhash` verify together: names,
/// collisions and sizes, and that each entry inflates to its declared size with its declared checksum. The entries
/// are those of the central directory, found as Go's `archive/zip` finds them.
///
/// # Deviation
///
/// Go ignores a checksum of zero where no data descriptor repeats it; here it must be right. A directory that is
/// listed twice must be without content both times, where Go looks at the last.
///
/// # Errors
///
/// [`ZipError::BadFiles`] and [`ZipError::TooLarge`] if rules are broken, before any content is read;
/// [`ZipError::Malformed`] and [`ZipError::BadContent`] if the file is damaged; [`ZipError::TooManyNames`].
pub fn check<R: Read + Seek>(
    mut reader: R,
    target: &ModuleVersion,
    limits: &ZipLimits,
) -> Result<ZipSummary, ZipError> {
    let mut rules = EntryRules::new(target, limits);
    let entries = read_entries(&mut reader, limits, &mut rules)?;
    let go_mod = entries.iter().position(|entry| rules.is_go_mod(&entry.name));
    let (files, uncompressed) = rules.finish()?;

    let mut contents = Contents {
        reader,
        content: Content::new(),
        buffer: vec![0; 64 * 1024],
    };
    let mut hash = Hash1::new();
    let mut go_mod_h1 = None;
    for (i, entry) in entries.iter().enumerate() {
        let sha256 = contents.digest(entry)?;
        hash.push(&entry.name, sha256);
        if go_mod == Some(i) {
            go_mod_h1 = Some(go_mod_h1_of_sum(sha256));
        }
    }
    Ok(ZipSummary {
        h1: hash.finish(),
        files,
        uncompressed,
        go_mod_h1,
    })
}

/// Sorts the entries of a zip by the rules of module zips, without reading their contents (`CheckZip` of
/// `golang.org/x/mod/zip`).
///
/// # Errors
///
/// As [`check`], but broken rules are what the report is about, except for the size of the archive.
pub fn report<R: Read + Seek>(
    mut reader: R,
    target: &ModuleVersion,
    limits: &ZipLimits,
) -> Result<CheckedFiles, ZipError> {
    let mut rules = EntryRules::new(target, limits).listing_valid();
    read_entries(&mut reader, limits, &mut rules)?;
    Ok(rules.into_report())
}

fn read_entries<R: Read + Seek>(
    reader: &mut R,
    limits: &ZipLimits,
    rules: &mut EntryRules,
) -> Result<Vec<DirectoryEntry>, ZipError> {
    let size = reader.seek(SeekFrom::End(0))?;
    if size > limits.archive_bytes {
        return Err(SizeError::Archive {
            size,
            limit: limits.archive_bytes,
        }
        .into());
    }
    let entries = read_directory(reader, size, limits)?;
    for entry in &entries {
        rules.check(&entry.name, entry.header.uncompressed)?;
    }
    Ok(entries)
}

/// Reads the contents of entries.
struct Contents<R> {
    reader: R,
    content: Content,
    buffer: Vec<u8>,
}

impl<R: Read + Seek> Contents<R> {
    /// Reads an entry to its end and verifies it; returns its SHA-256.
    fn digest(&mut self, entry: &DirectoryEntry) -> Result<[u8; 32], ZipError> {
        let bad = |reason| ZipError::BadContent {
            name: entry.name.to_vec(),
            reason,
        };
        let header = &entry.header;
        let mut local = [0; LOCAL_LEN];
        read_at(&mut self.reader, header.offset, &mut local)?;
        if u32_at(&local, 0) != signature::LOCAL {
            return Err(bad("no entry where the directory says"));
        }
        if entry.name.ends_with(b"/") {
            // Go never looks at the data of a directory, and neither does its hash.
            self.content.start(STORED, 0);
            let nothing = self.content.finish();
            return if header.uncompressed == 0 {
                Ok(nothing.sha256)
            } else {
                Err(bad("directory with content"))
            };
        }
        if ![STORED, DEFLATED].contains(&header.method) {
            return Err(bad("unsupported compression algorithm"));
        }
        let start = header.offset + LocalHeader::total_len(&local) as u64;
        let digest = self.read_content(entry, start)?;
        if digest.size != header.uncompressed {
            return Err(bad("uncompressed size differs from declared size"));
        }
        if digest.crc != header.crc {
            return Err(bad("checksum error"));
        }
        if header.has_descriptor() {
            self.check_descriptor(entry, start.saturating_add(header.compressed))?;
        }
        Ok(digest.sha256)
    }

    fn read_content(&mut self, entry: &DirectoryEntry, start: u64) -> Result<Digest, ZipError> {
        let bad = |reason| ZipError::BadContent {
            name: entry.name.to_vec(),
            reason,
        };
        let header = &entry.header;
        self.reader.seek(SeekFrom::Start(start))?;
        self.content.start(header.method, header.uncompressed);
        let mut section = self.reader.by_ref().take(header.compressed);
        let mut complete = header.method == STORED;
        loop {
            let n = match section.read(&mut self.buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            if n == 0 {
                break;
            }
            let progress = self.content.feed(&self.buffer[..n]).map_err(|e| {
                bad(match e {
                    ContentError::Corrupt => "corrupt deflate data",
                    ContentError::OverLimit => "uncompressed size is larger than declared size",
                })
            })?;
            if progress.complete {
                // Ignore bytes between the end of the deflate stream and that of the section, as Go does.
                complete = true;
                break;
            }
        }
        if !complete {
            return Err(bad("content ends too early"));
        }
        Ok(self.content.finish())
    }

    /// Go looks at the checksum of a descriptor, which may have a signature, and not at its sizes.
    fn check_descriptor(&mut self, entry: &DirectoryEntry, offset: u64) -> Result<(), ZipError> {
        let mut descriptor = [0; 12];
        read_at(&mut self.reader, offset, &mut descriptor)?;
        let at = if u32_at(&descriptor, 0) == signature::DESCRIPTOR {
            4
        } else {
            0
        };
        if u32_at(&descriptor, at) == entry.header.crc {
            return Ok(());
        }
        Err(ZipError::BadContent {
            name: entry.name.to_vec(),
            reason: "checksum error in data descriptor",
        })
    }
}
