//! Zips put together by hand, so that they can be anything.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// How checksum and sizes follow a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Descriptor {
    None,
    Signed,
    Unsigned,
    Signed64,
    Unsigned64,
}

/// An entry. What the directory says of it can be changed apart from what precedes its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) size: u64,
    pub(crate) descriptor: Descriptor,
    pub(crate) zip64: bool,
    pub(crate) central_name: String,
    pub(crate) central_method: u16,
    pub(crate) central_crc: u32,
    pub(crate) central_size: u64,
    pub(crate) central_compressed: u64,
    pub(crate) central_offset: i64,
    pub(crate) central_extra: Vec<u8>,
    pub(crate) central_comment: Vec<u8>,
    /// Bytes before the entry that belong to nobody.
    pub(crate) gap: Vec<u8>,
    /// Whether the directory mentions the entry.
    pub(crate) listed: bool,
}

impl Entry {
    pub(crate) fn stored(path: &str, content: &[u8]) -> Self {
        Self::new(path, content, content.to_vec(), 0)
    }

    pub(crate) fn deflated(path: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        Self::new(path, content, encoder.finish().unwrap(), 8)
    }

    fn new(path: &str, content: &[u8], data: Vec<u8>, method: u16) -> Self {
        let (crc, size) = (crc32fast::hash(content), content.len() as u64);
        let name = format!("{}{path}", crate::PREFIX);
        Self {
            central_name: name.clone(),
            central_method: method,
            central_crc: crc,
            central_size: size,
            central_compressed: data.len() as u64,
            central_offset: 0,
            central_extra: Vec::new(),
            central_comment: Vec::new(),
            descriptor: Descriptor::None,
            zip64: false,
            gap: Vec::new(),
            listed: true,
            name,
            data,
            method,
            crc,
            size,
        }
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        name.clone_into(&mut self.central_name);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn flags(&self) -> u16 {
        if self.descriptor == Descriptor::None { 0 } else { 8 }
    }

    fn local(&self) -> Vec<u8> {
        let mut out = self.gap.clone();
        let known = self.descriptor == Descriptor::None;
        let (crc, compressed, size) = if known {
            (self.crc, self.data.len() as u64, self.size)
        } else {
            (0, 0, 0)
        };
        out.extend(0x0403_4b50_u32.to_le_bytes());
        for number in [20, self.flags(), self.method, 0, 0] {
            out.extend(number.to_le_bytes());
        }
        out.extend(crc.to_le_bytes());
        out.extend(small(if self.zip64 { u64::MAX } else { compressed }));
        out.extend(small(if self.zip64 { u64::MAX } else { size }));
        out.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        out.extend((if self.zip64 { 20_u16 } else { 0 }).to_le_bytes());
        out.extend(self.name.bytes());
        if self.zip64 {
            out.extend([1, 0, 16, 0]);
            out.extend(size.to_le_bytes());
            out.extend(compressed.to_le_bytes());
        }
        out.extend(&self.data);
        let (compressed, size) = (self.data.len() as u64, self.size);
        match self.descriptor {
            Descriptor::None => return out,
            Descriptor::Signed | Descriptor::Signed64 => out.extend(0x0807_4b50_u32.to_le_bytes()),
            Descriptor::Unsigned | Descriptor::Unsigned64 => {}
        }
        out.extend(self.crc.to_le_bytes());
        if matches!(self.descriptor, Descriptor::Signed64 | Descriptor::Unsigned64) {
            out.extend(compressed.to_le_bytes());
            out.extend(size.to_le_bytes());
        } else {
            out.extend(small(compressed));
            out.extend(small(size));
        }
        out
    }

    fn central(&self, offset: u64) -> Vec<u8> {
        let offset = offset.checked_add_signed(self.central_offset).unwrap();
        let mut extra = self.central_extra.clone();
        if self.zip64 {
            extra.extend([1, 0, 24, 0]);
            for number in [self.central_size, self.central_compressed, offset] {
                extra.extend(number.to_le_bytes());
            }
        }
        let mut out = 0x0201_4b50_u32.to_le_bytes().to_vec();
        for number in [20, 20, self.flags(), self.central_method, 0, 0] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.central_crc.to_le_bytes());
        out.extend(small(if self.zip64 {
            u64::MAX
        } else {
            self.central_compressed
        }));
        out.extend(small(if self.zip64 { u64::MAX } else { self.central_size }));
        for len in [self.central_name.len(), extra.len(), self.central_comment.len()] {
            out.extend(u16::try_from(len).unwrap().to_le_bytes());
        }
        out.extend([0; 8]);
        out.extend(small(if self.zip64 { u64::MAX } else { offset }));
        out.extend(self.central_name.bytes());
        out.extend(extra);
        out.extend(&self.central_comment);
        out
    }
}

fn small(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

/// The parts of a zip, to be put together in another way than usual.
pub(crate) struct Parts {
    pub(crate) entries: Vec<u8>,
    pub(crate) directory: Vec<Vec<u8>>,
}

pub(crate) fn parts(entries: &[Entry]) -> Parts {
    let mut parts = Parts {
        entries: Vec::new(),
        directory: Vec::new(),
    };
    for entry in entries {
        let offset = (parts.entries.len() + entry.gap.len()) as u64;
        parts.entries.extend(entry.local());
        if entry.listed {
            parts.directory.push(entry.central(offset));
        }
    }
    parts
}

impl Parts {
    pub(crate) fn zip(self, comment: &[u8]) -> Vec<u8> {
        let (offset, directory) = (self.entries.len(), self.directory.concat());
        let mut zip = self.entries;
        zip.extend(&directory);
        zip.extend(end(self.directory.len(), directory.len(), offset, comment));
        zip
    }
}

pub(crate) fn end(records: usize, size: usize, offset: usize, comment: &[u8]) -> Vec<u8> {
    let records = u16::try_from(records).unwrap().to_le_bytes();
    let mut out = vec![b'P', b'K', 5, 6, 0, 0, 0, 0];
    out.extend(records);
    out.extend(records);
    out.extend(small(size as u64));
    out.extend(small(offset as u64));
    out.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    out.extend(comment);
    out
}

pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    parts(entries).zip(b"")
}
