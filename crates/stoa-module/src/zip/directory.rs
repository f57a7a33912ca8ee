//! The central directory, read from its end as Go reads it.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::error::ZipError;
use super::limits::ZipLimits;
use super::record::{
    CENTRAL_LEN, CentralHeader, DirectoryEnd, END_LEN, END64_LEN, LOCATOR64_LEN, parse_locator64, signature,
    u32_at,
};

/// An entry as the central directory has it.
#[derive(Debug)]
pub(super) struct DirectoryEntry {
    pub(super) name: Box<[u8]>,
    pub(super) header: CentralHeader,
}

/// Reads all entries (`Reader.init` of Go's `archive/zip`, with its tolerance: leading bytes, a comment, bytes
/// after the end, a count modulo 65536).
///
/// The offsets of the entries are those in the file.
pub(super) fn read_directory<R: Read + Seek>(
    reader: &mut R,
    size: u64,
    limits: &ZipLimits,
) -> Result<Vec<DirectoryEntry>, ZipError> {
    let place = find_directory(reader, size)?;
    reader.seek(SeekFrom::Start(place.start))?;
    let mut buffered = BufReader::with_capacity(64 * 1024, reader);
    let mut entries = Vec::new();
    let mut names = 0;
    // Whatever is no entry ends the directory; whether it ended too early shows in the count.
    while let Some(mut entry) = read_entry(&mut buffered)? {
        names += entry.name.len() as u64;
        if entries.len() >= limits.entries || names > limits.name_bytes {
            return Err(ZipError::TooManyNames);
        }
        // An entry outside of the file is found when it is read: rules on names come first.
        let offset = entry.header.offset.checked_add_signed(place.base);
        entry.header.offset = offset.unwrap_or(u64::MAX);
        entries.push(entry);
    }
    if entries.len() as u64 & 0xffff != place.records & 0xffff {
        return Err(ZipError::Malformed("wrong number of entries"));
    }
    Ok(entries)
}

/// The next entry, or none where the directory ends. A directory that ends with the file is an error.
fn read_entry(reader: &mut impl BufRead) -> Result<Option<DirectoryEntry>, ZipError> {
    let mut record = vec![0; CENTRAL_LEN];
    if !read_part(reader, &mut record)? || u32_at(&record, 0) != signature::CENTRAL {
        return Ok(None);
    }
    record.resize(CentralHeader::total_len(&record), 0);
    if !read_part(reader, &mut record[CENTRAL_LEN..])? {
        return Ok(None);
    }
    Ok(CentralHeader::parse(&record)
        .ok()
        .map(|(header, name)| DirectoryEntry {
            name: name.into(),
            header,
        }))
}

/// Fills a buffer, or says that the file ended on the way. Go makes a difference between that and a file that
/// ended right before.
fn read_part(reader: &mut impl BufRead, buffer: &mut [u8]) -> Result<bool, ZipError> {
    if !buffer.is_empty() && reader.fill_buf()?.is_empty() {
        return Err(ZipError::Malformed("directory without an end"));
    }
    Ok(read_full(reader, buffer)?)
}

/// Where the entries of the directory are.
struct Place {
    /// Offset of the first.
    start: u64,
    /// How many there should be.
    records: u64,
    /// What to add to the offsets that they tell: not zero if bytes precede the zip, or are missing before it.
    base: i64,
}

/// Where the directory is (`readDirectoryEnd`).
fn find_directory<R: Read + Seek>(reader: &mut R, size: u64) -> Result<Place, ZipError> {
    const OUTSIDE: ZipError = ZipError::Malformed("directory lies outside of the file");
    let (mut end, mut end_offset) = find_end(reader, size)?;
    if end.may_be_zip64()
        && let Some(offset64) = find_end64(reader, end_offset)?
    {
        let mut record = [0; END64_LEN];
        read_at(reader, offset64, &mut record)?;
        if u32_at(&record, 0) != signature::END64 {
            return Err(ZipError::Malformed("no zip64 directory where one should be"));
        }
        (end, end_offset) = (DirectoryEnd::parse64(&record), offset64);
    }
    let start = end_offset
        .checked_sub(end.size)
        .filter(|&start| start < size)
        .ok_or(OUTSIDE)?;
    let base = start.checked_signed_diff(end.offset).ok_or(OUTSIDE)?;
    // Some writers get the size of the directory wrong, which looks like bytes before the zip. If there is an entry
    // where the record says, then that is right.
    if base > 0 {
        reader.seek(SeekFrom::Start(end.offset))?;
        if let Ok(Some(_)) = read_entry(&mut BufReader::new(reader)) {
            return Ok(Place {
                start: end.offset,
                records: end.records,
                base: 0,
            });
        }
    }
    Ok(Place {
        start,
        records: end.records,
        base,
    })
}

/// Finds the last end record, in the last KiB or in the last 65.
fn find_end<R: Read + Seek>(reader: &mut R, size: u64) -> Result<(DirectoryEnd, u64), ZipError> {
    for reach in [1024, 65 * 1024] {
        let reach = size.min(reach);
        let offset = size - reach;
        let mut tail = Vec::new();
        reader.seek(SeekFrom::Start(offset))?;
        reader.by_ref().take(reach).read_to_end(&mut tail)?;
        if let Some(at) = find_end_in(&tail) {
            return Ok((DirectoryEnd::parse(&tail[at..]), offset + at as u64));
        }
        if reach == size {
            break;
        }
    }
    Err(ZipError::Malformed("no directory at the end"))
}

/// The last end record of a block; none if its comment is cut short (`findSignatureInBlock`).
fn find_end_in(block: &[u8]) -> Option<usize> {
    let at = (0..=block.len().checked_sub(END_LEN)?)
        .rev()
        .find(|&at| u32_at(block, at) == signature::END)?;
    (at + END_LEN + DirectoryEnd::comment_len(&block[at..]) <= block.len()).then_some(at)
}

/// The offset of the zip64 end record, if a locator precedes the end record.
fn find_end64<R: Read + Seek>(reader: &mut R, end_offset: u64) -> Result<Option<u64>, ZipError> {
    let Some(offset) = end_offset.checked_sub(LOCATOR64_LEN as u64) else {
        return Ok(None);
    };
    let mut locator = [0; LOCATOR64_LEN];
    read_at(reader, offset, &mut locator)?;
    Ok(parse_locator64(&locator))
}

/// Fills a buffer from an offset in the file. A file that is too short is a malformed zip.
pub(super) fn read_at<R: Read + Seek>(
    reader: &mut R,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), ZipError> {
    // Seeking so far would be an error of the file system's, but it is the zip's.
    if i64::try_from(offset).is_err() {
        return Err(ZipError::Malformed("offset lies outside of the file"));
    }
    reader.seek(SeekFrom::Start(offset))?;
    if read_full(reader, buffer)? {
        Ok(())
    } else {
        Err(ZipError::Malformed("unexpected end of file"))
    }
}

/// Fills a buffer, or says that the file ended before.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}
