//! The records around the contents: gathered, and compared with what was seen.

use super::checker::{Current, State, Stop, StreamChecker};
use crate::zip::content::Digest;
use crate::zip::record::{
    CENTRAL_LEN, CentralHeader, DEFLATED, DirectoryEnd, END_LEN, END64_LEN, LOCAL_LEN, LOCATOR64_LEN,
    LocalHeader, STORED, parse_locator64, signature, u32_at, u64_at,
};

/// Enough bytes for any data descriptor and the signature behind it: a directory must follow, so they will come.
const DESCRIPTOR_WINDOW: usize = 28;

/// The size that a zip64 end record without extensions tells.
const END64_SIZE: u64 = END64_LEN as u64 - 12;

impl StreamChecker {
    /// Gathers bytes of a record, and handles it when it is whole.
    pub(super) fn gather(&mut self, chunk: &mut &[u8], wanted: usize) -> Result<State, Stop> {
        self.fill(chunk, wanted);
        self.advance()
    }

    /// Gathers the bytes after a content, and finds out which of them are the data descriptor.
    pub(super) fn gather_descriptor(
        &mut self,
        chunk: &mut &[u8],
        current: Current,
        digest: Digest,
    ) -> Result<State, Stop> {
        self.fill(chunk, DESCRIPTOR_WINDOW);
        if self.record.len() < DESCRIPTOR_WINDOW {
            return Ok(State::Descriptor(current, digest));
        }
        let len = descriptor_len(&self.record, &digest).ok_or(Stop::NotPlain)?;
        self.consume(len);
        self.end_entry(current, &digest)?;
        self.advance()
    }

    fn fill(&mut self, chunk: &mut &[u8], wanted: usize) {
        let missing = wanted.saturating_sub(self.record.len()).min(chunk.len());
        let (taken, rest) = chunk.split_at(missing);
        self.record.extend_from_slice(taken);
        *chunk = rest;
    }

    fn consume(&mut self, len: usize) {
        self.record.drain(..len);
        self.offset += len as u64;
    }

    /// Handles the record at the start of the gathered bytes, or says how many it needs.
    fn advance(&mut self) -> Result<State, Stop> {
        let wanted = record_len(&self.record).ok_or(Stop::NotPlain)?;
        if self.record.len() < wanted {
            return Ok(State::Record { wanted });
        }
        // Only the window of a descriptor gathers ahead, and fewer bytes than any record has.
        debug_assert_eq!(
            self.record.len(),
            wanted,
            "bytes of the next record were gathered"
        );
        let offset = self.offset;
        let record = std::mem::take(&mut self.record);
        self.offset += record.len() as u64;
        let next = match u32_at(&record, 0) {
            signature::LOCAL => self.local(&record, offset),
            signature::CENTRAL => self.central(&record, offset),
            signature::END64 => self.end64(&record, offset),
            signature::LOCATOR64 => self.locator64(&record),
            _ => self.end(&record, offset),
        };
        // Its allocation serves the next record.
        self.record = record;
        self.record.clear();
        next
    }

    fn local(&mut self, record: &[u8], offset: u64) -> Result<State, Stop> {
        let (header, name) = LocalHeader::parse(record)?;
        let stored_open_end = header.method == STORED && header.has_descriptor();
        if self.directory.start.is_some() || stored_open_end || ![STORED, DEFLATED].contains(&header.method) {
            return Err(Stop::NotPlain);
        }
        self.name.clear();
        self.name.extend_from_slice(name);
        self.begin_content(header, offset)
    }

    /// Compares an entry of the directory with the one that arrived in its place.
    fn central(&mut self, record: &[u8], offset: u64) -> Result<State, Stop> {
        let directory = &mut self.directory;
        directory.start.get_or_insert(offset);
        let (header, name) = CentralHeader::parse(record)?;
        let index = directory.entries;
        let seen = self.entries.get(index).ok_or(Stop::NotPlain)?;
        if directory.end64.is_some() || !seen.agrees_with(&header) || self.hash.name(index) != name {
            return Err(Stop::NotPlain);
        }
        directory.entries += 1;
        Ok(State::Record { wanted: 4 })
    }

    fn end64(&mut self, record: &[u8], offset: u64) -> Result<State, Stop> {
        let directory = &mut self.directory;
        directory.start.get_or_insert(offset);
        if directory.end64.is_some() || u64_at(record, 4) != END64_SIZE {
            return Err(Stop::NotPlain);
        }
        directory.end64 = Some((DirectoryEnd::parse64(record), offset));
        Ok(State::Record { wanted: 4 })
    }

    fn locator64(&mut self, record: &[u8]) -> Result<State, Stop> {
        match self.directory.end64 {
            Some((_, offset)) if !self.directory.located && parse_locator64(record) == Some(offset) => {
                self.directory.located = true;
                Ok(State::Record { wanted: 4 })
            }
            _ => Err(Stop::NotPlain),
        }
    }

    /// The end record must describe exactly the directory that was seen. It must also be the only one that a reader
    /// finds which searches from the end of the file.
    fn end(&mut self, record: &[u8], offset: u64) -> Result<State, Stop> {
        let directory = &self.directory;
        let mut end = DirectoryEnd::parse(record);
        let mut end_offset = offset;
        // Go looks for zip64 records exactly if the numbers ask for them; then they must be those that were seen,
        // and not something in a comment of the last entry.
        match directory.end64 {
            Some((end64, offset64)) if directory.located && end.may_be_zip64() => {
                (end, end_offset) = (end64, offset64);
            }
            None if !end.may_be_zip64() => {}
            _ => return Err(Stop::NotPlain),
        }
        let start = directory.start.unwrap_or(offset);
        let expected = DirectoryEnd {
            records: directory.entries as u64,
            size: end_offset - start,
            offset: start,
        };
        let signature = signature::END.to_le_bytes();
        let hidden_end = record[1..]
            .windows(signature.len())
            .any(|window| window == signature);
        if end != expected || directory.entries != self.entries.len() || hidden_end {
            return Err(Stop::NotPlain);
        }
        Ok(State::End)
    }
}

/// How long the record is that starts with these bytes, as far as they tell; none if no record starts so.
fn record_len(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < 4 {
        return Some(4);
    }
    let fixed = match u32_at(bytes, 0) {
        signature::LOCAL => LOCAL_LEN,
        signature::CENTRAL => CENTRAL_LEN,
        signature::END64 => END64_LEN,
        signature::LOCATOR64 => LOCATOR64_LEN,
        signature::END => END_LEN,
        _ => return None,
    };
    if bytes.len() < fixed {
        return Some(fixed);
    }
    Some(match u32_at(bytes, 0) {
        signature::LOCAL => LocalHeader::total_len(bytes),
        signature::CENTRAL => CentralHeader::total_len(bytes),
        signature::END => END_LEN + DirectoryEnd::comment_len(bytes),
        _ => fixed,
    })
}

/// How long the data descriptor at the start of the window is: with or without signature, with sizes of 32 or 64
/// bits. The one that tells the truth about the content and is followed by another entry, own or of the directory.
fn descriptor_len(window: &[u8], digest: &Digest) -> Option<usize> {
    let small = |at: usize| (u64::from(u32_at(window, at)), u64::from(u32_at(window, at + 4)));
    let large = |at: usize| (u64_at(window, at), u64_at(window, at + 8));
    let signed = u32_at(window, 0) == signature::DESCRIPTOR;
    [
        (4, small(8), 16, signed),
        (4, large(8), 24, signed),
        (0, small(4), 12, true),
        (0, large(4), 20, true),
    ]
    .into_iter()
    .find(|&(crc, sizes, len, possible)| {
        let follows = u32_at(window, len);
        possible
            && u32_at(window, crc) == digest.crc
            && sizes == (digest.compressed, digest.size)
            && (follows == signature::LOCAL || follows == signature::CENTRAL)
    })
    .map(|(_, _, len, _)| len)
}
