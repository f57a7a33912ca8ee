//! The records of a zip, written as Go writes them: no time, no mode, sizes and checksums behind the contents.

use std::io;

use super::deflate::Member;
use super::record::{DEFLATED, FLAG_DESCRIPTOR, FLAG_UTF8, LOCAL_LEN, signature};

/// PKZIP 2.0: the version that deflate needs. Go writes it for every entry.
const VERSION: u16 = 20;
const VERSION64: u16 = 45;

/// Bytes of what stands behind a content.
pub(super) const DESCRIPTOR_LEN: u64 = 16;

/// What the directory tells of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    offset: u32,
    crc: u32,
    compressed: u32,
    size: u32,
    flags: u16,
}

impl Written {
    /// An entry of this name whose local header is at `offset`.
    pub(super) fn new(name: &[u8], offset: u64, member: &Member) -> io::Result<Self> {
        Ok(Self {
            offset: narrow(offset)?,
            crc: member.crc,
            compressed: narrow(member.compressed)?,
            size: narrow(member.size)?,
            flags: flags(name),
        })
    }

    /// What stands behind the content.
    pub(super) fn descriptor(&self) -> Vec<u8> {
        let numbers = [signature::DESCRIPTOR, self.crc, self.compressed, self.size];
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// The entry in the directory.
    pub(super) fn directory_entry(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        let mut record = Vec::with_capacity(46 + name.len());
        record.extend(signature::CENTRAL.to_le_bytes());
        for number in [VERSION, VERSION, self.flags, DEFLATED, 0, 0] {
            record.extend(number.to_le_bytes());
        }
        for number in [self.crc, self.compressed, self.size] {
            record.extend(number.to_le_bytes());
        }
        record.extend(name_len(name)?.to_le_bytes());
        record.extend([0; 12]); // extra fields, comment, disk, attributes
        record.extend(self.offset.to_le_bytes());
        record.extend(name);
        Ok(record)
    }
}

/// What stands before a content.
pub(super) fn local_header(name: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(LOCAL_LEN + name.len());
    header.extend(signature::LOCAL.to_le_bytes());
    header.extend(VERSION.to_le_bytes());
    header.extend(flags(name).to_le_bytes());
    header.extend(DEFLATED.to_le_bytes());
    header.extend([0; 16]); // time, checksum, sizes
    header.extend(name_len(name)?.to_le_bytes());
    header.extend([0; 2]); // extra fields
    header.extend(name);
    Ok(header)
}

/// The end record of a directory with `count` entries in `size` bytes from `start`, preceded by its zip64 counterpart
/// where it cannot hold the numbers.
pub(super) fn end(count: u64, size: u64, start: u64) -> Vec<u8> {
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
    record
}

fn flags(name: &[u8]) -> u16 {
    FLAG_DESCRIPTOR | if name.is_ascii() { 0 } else { FLAG_UTF8 }
}

/// A number that has 32 bits in the records of an entry; the rules for sizes keep all of them below.
fn narrow(number: u64) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::other("zip file exceeds 4 GiB"))
}

fn name_len(name: &[u8]) -> io::Result<u16> {
    u16::try_from(name.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "file name is too long"))
}
