//! The records of a zip, taken from their bytes. Both readers share them: what the streaming check compares with is
//! what the other one reads.

/// "PK" and two numbers: the start of every record.
pub(super) mod signature {
    pub(in crate::zip) const LOCAL: u32 = 0x0403_4b50;
    pub(in crate::zip) const CENTRAL: u32 = 0x0201_4b50;
    pub(in crate::zip) const END: u32 = 0x0605_4b50;
    pub(in crate::zip) const END64: u32 = 0x0606_4b50;
    pub(in crate::zip) const LOCATOR64: u32 = 0x0706_4b50;
    pub(in crate::zip) const DESCRIPTOR: u32 = 0x0807_4b50;
}

/// Bytes of the records, up to the parts whose length they tell.
pub(super) const LOCAL_LEN: usize = 30;
pub(super) const CENTRAL_LEN: usize = 46;
pub(super) const END_LEN: usize = 22;
pub(super) const END64_LEN: usize = 56;
pub(super) const LOCATOR64_LEN: usize = 20;

/// Flag: checksum and sizes follow the content.
pub(super) const FLAG_DESCRIPTOR: u16 = 0x8;
/// Flag: the name is UTF-8.
pub(super) const FLAG_UTF8: u16 = 0x800;

/// Compression methods.
pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

const ZIP64_EXTRA: u16 = 1;
const MAX32: u64 = 0xffff_ffff;

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn len_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16_at(bytes, at))
}

/// A record contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordError;

/// What comes before an entry's content.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalHeader {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
}

impl LocalHeader {
    /// Whether checksum and sizes follow the content.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }

    /// Bytes of the whole record with name and extra fields, from its first [`LOCAL_LEN`] bytes.
    pub(super) fn total_len(fixed: &[u8]) -> usize {
        LOCAL_LEN + len_at(fixed, 26) + len_at(fixed, 28)
    }

    /// Parses a whole record; returns the name as well.
    pub(super) fn parse(record: &[u8]) -> Result<(Self, &[u8]), RecordError> {
        let (name, extra) = record[LOCAL_LEN..].split_at(len_at(record, 26));
        let mut header = Self {
            flags: u16_at(record, 6),
            method: u16_at(record, 8),
            crc: u32_at(record, 14),
            compressed: u32_at(record, 18).into(),
            uncompressed: u32_at(record, 22).into(),
        };
        let mut wanted = [&mut header.uncompressed, &mut header.compressed];
        let found = take_zip64(extra, &mut wanted)?;
        if !found && header.compressed == MAX32 {
            return Err(RecordError);
        }
        Ok((header, name))
    }
}

/// An entry of the central directory: what a zip holds is what these say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CentralHeader {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
    pub(super) offset: u64,
}

impl CentralHeader {
    /// Whether Go looks for a checksum behind the content.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }

    /// Whether a reader does the same with both. Flags but the one for the descriptor are only remarks.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let relevant = |header: &Self| Self {
            flags: header.flags & FLAG_DESCRIPTOR,
            ..*header
        };
        relevant(self) == relevant(other)
    }

    /// Bytes of the whole record with name, extra fields and comment, from its first [`CENTRAL_LEN`] bytes.
    pub(super) fn total_len(fixed: &[u8]) -> usize {
        CENTRAL_LEN + len_at(fixed, 28) + len_at(fixed, 30) + len_at(fixed, 32)
    }

    /// Parses a whole record as `readDirectoryHeader` of Go's `archive/zip` does; returns the name as well.
    pub(super) fn parse(record: &[u8]) -> Result<(Self, &[u8]), RecordError> {
        let (name, rest) = record[CENTRAL_LEN..].split_at(len_at(record, 28));
        let extra = &rest[..len_at(record, 30)];
        let mut header = Self {
            flags: u16_at(record, 8),
            method: u16_at(record, 10),
            crc: u32_at(record, 16),
            compressed: u32_at(record, 20).into(),
            uncompressed: u32_at(record, 24).into(),
            offset: u32_at(record, 42).into(),
        };
        let missing = [header.compressed, header.offset].contains(&MAX32);
        let mut wanted = [
            &mut header.uncompressed,
            &mut header.compressed,
            &mut header.offset,
        ];
        let found = take_zip64(extra, &mut wanted)?;
        // Go takes an uncompressed size of 2³²-1 at its word, but nothing else.
        if missing && !found {
            return Err(RecordError);
        }
        Ok((header, name))
    }
}

/// Replaces those values that are 2³²-1 by those of the first zip64 extra field; tells whether there is one.
fn take_zip64(mut extra: &[u8], wanted: &mut [&mut u64]) -> Result<bool, RecordError> {
    while extra.len() >= 4 {
        let (tag, len) = (u16_at(extra, 0), len_at(extra, 2));
        let Some(mut field) = extra[4..].get(..len) else {
            break;
        };
        if tag == ZIP64_EXTRA {
            for value in wanted.iter_mut().filter(|value| ***value == MAX32) {
                let Some((number, rest)) = field.split_first_chunk::<8>() else {
                    return Err(RecordError);
                };
                **value = u64::from_le_bytes(*number);
                field = rest;
            }
            // Further fields of this kind have nothing left to replace.
            return Ok(true);
        }
        extra = &extra[4 + len..];
    }
    Ok(false)
}

/// Where the central directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DirectoryEnd {
    pub(super) records: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl DirectoryEnd {
    /// Parses the first [`END_LEN`] bytes of the record at the end of every zip.
    pub(super) fn parse(record: &[u8]) -> Self {
        Self {
            records: u16_at(record, 10).into(),
            size: u32_at(record, 12).into(),
            offset: u32_at(record, 16).into(),
        }
    }

    /// Bytes of the comment, from the same record.
    pub(super) fn comment_len(record: &[u8]) -> usize {
        len_at(record, 20)
    }

    /// Parses the first [`END64_LEN`] bytes of its zip64 counterpart.
    pub(super) fn parse64(record: &[u8]) -> Self {
        Self {
            records: u64_at(record, 32),
            size: u64_at(record, 40),
            offset: u64_at(record, 48),
        }
    }

    /// Whether Go goes on to look for the zip64 record. (It does compare the size with 65535.)
    pub(super) fn may_be_zip64(&self) -> bool {
        self.records == 0xffff || self.size == 0xffff || self.offset == MAX32
    }
}

/// Where the zip64 record is, from the [`LOCATOR64_LEN`] bytes that tell; none if they do not.
pub(super) fn parse_locator64(record: &[u8]) -> Option<u64> {
    let whole =
        u32_at(record, 0) == signature::LOCATOR64 && u32_at(record, 4) == 0 && u32_at(record, 16) == 1;
    whole.then(|| u64_at(record, 8))
}
