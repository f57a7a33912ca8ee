//! Reading tar files, as programs of version control systems print them.

mod archive;

pub(crate) use archive::{PREFIX, TarArchive};

use std::io::{self, Read};

/// The unit of a tar file, in bytes.
const BLOCK: usize = 512;

/// The longest name, or list of pax records, in bytes.
const LONGEST: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TarKind {
    File,
    Symlink,
    Folder,
    /// A hard link or a device.
    Other,
}

/// What precedes the content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TarHeader {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: TarKind,
    /// The length of the content in bytes.
    pub(crate) size: u64,
    /// Where a link points to.
    pub(crate) link: Vec<u8>,
}

/// Reads entry after entry; as a reader, it gives the content of the last one. It holds one block and the names of one
/// entry in memory.
#[derive(Debug)]
pub(crate) struct TarReader<R> {
    from: R,
    /// What is left of the content.
    left: u64,
    /// What fills up the last block of the content.
    padding: u64,
    ended: bool,
}

/// What the records before an entry say about it.
#[derive(Debug, Default)]
struct Extra {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> TarReader<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            left: 0,
            padding: 0,
            ended: false,
        }
    }

    /// The next entry. Skips the unread rest of the one before; at the end, skips everything that follows.
    pub(crate) fn next_header(&mut self) -> io::Result<Option<TarHeader>> {
        let mut extra = Extra::default();
        loop {
            self.skip()?;
            let mut block = [0; BLOCK];
            if self.ended || !self.fill(&mut block)? {
                self.ended = true;
                io::copy(&mut self.from, &mut io::sink())?;
                return Ok(None);
            }
            check(&block)?;
            let size = number(&block[124..136])?;
            match block[156] {
                b'x' => extra.take_pax(&self.record(size)?)?,
                // What holds for all entries: here the hash of a commit, as a comment.
                b'g' => drop(self.record(size)?),
                b'L' => extra.path = Some(until_nul(&self.record(size)?).to_vec()),
                b'K' => extra.link = Some(until_nul(&self.record(size)?).to_vec()),
                flag => {
                    let header = header(&block, flag, size, extra);
                    self.begin(header.size);
                    return Ok(Some(header));
                }
            }
        }
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// The content of an entry that describes the next one.
    fn record(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LONGEST {
            return Err(bad("it has a very long name"));
        }
        self.begin(size);
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self) -> io::Result<()> {
        let rest = self
            .left
            .checked_add(self.padding)
            .ok_or_else(|| bad("an entry is too long"))?;
        let skipped = io::copy(&mut (&mut self.from).take(rest), &mut io::sink())?;
        if skipped < rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    /// Reads a block; `false` at the end, which is a block of zeros.
    fn fill(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut bytes = Vec::with_capacity(BLOCK);
        (&mut self.from).take(BLOCK as u64).read_to_end(&mut bytes)?;
        *block = bytes
            .try_into()
            .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(block.iter().any(|byte| *byte != 0))
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let read = (&mut self.from).take(self.left).read(buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Extra {
    /// Takes pax records: `length key=value\n`, the length in decimal and counting all of it.
    fn take_pax(&mut self, mut records: &[u8]) -> io::Result<()> {
        let malformed = || bad("a pax record is malformed");
        while !records.is_empty() {
            let space = records
                .iter()
                .position(|byte| *byte == b' ')
                .ok_or_else(malformed)?;
            let length = std::str::from_utf8(&records[..space])
                .ok()
                .and_then(|text| text.parse::<usize>().ok());
            let length = length
                .filter(|length| *length > space && *length <= records.len())
                .ok_or_else(malformed)?;
            let record = records[space + 1..length]
                .strip_suffix(b"\n")
                .ok_or_else(malformed)?;
            let equals = record
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or_else(malformed)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(malformed)?);
                }
                _ => {}
            }
            records = &records[length..];
        }
        Ok(())
    }
}

fn header(block: &[u8; BLOCK], flag: u8, size: u64, extra: Extra) -> TarHeader {
    let kind = match flag {
        b'0' | 0 | b'7' => TarKind::File,
        b'2' => TarKind::Symlink,
        b'5' => TarKind::Folder,
        _ => TarKind::Other,
    };
    let path = extra.path.unwrap_or_else(|| {
        let name = until_nul(&block[..100]);
        let prefix = until_nul(&block[345..500]);
        // Only POSIX's own format has a prefix there.
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            [prefix, name].join(&b'/')
        } else {
            name.to_vec()
        }
    });
    let link = extra.link.unwrap_or_else(|| until_nul(&block[157..257]).to_vec());
    // Links and folders have no content, whatever their size field says.
    let size = if matches!(flag, b'1'..=b'6') {
        0
    } else {
        extra.size.unwrap_or(size)
    };
    TarHeader {
        path,
        kind,
        size,
        link,
    }
}

/// Checks the checksum: the sum of all bytes, itself taken for spaces.
fn check(block: &[u8; BLOCK]) -> io::Result<()> {
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    if number(&block[148..156])? == sum - own + 8 * u64::from(b' ') {
        Ok(())
    } else {
        Err(bad("a checksum is wrong"))
    }
}

/// A number: octal digits, or, with the highest bit set, the bytes themselves.
fn number(field: &[u8]) -> io::Result<u64> {
    let malformed = || bad("a number is malformed");
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(field.len().saturating_sub(8));
        if high
            .iter()
            .enumerate()
            .any(|(at, byte)| *byte != if at == 0 { 0x80 } else { 0 })
            || high.is_empty()
        {
            return Err(malformed());
        }
        let value = low
            .iter()
            .fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
        return Ok(value);
    }
    let digits = field
        .split(|byte| matches!(byte, b' ' | 0))
        .find(|digits| !digits.is_empty())
        .unwrap_or_default();
    let digit = |value: u64, digit: &u8| match digit {
        b'0'..=b'7' => Ok(value * 8 + u64::from(digit - b'0')),
        _ => Err(malformed()),
    };
    digits.iter().try_fold(0, digit)
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a tar file: {what}"))
}

#[cfg(test)]
mod tests;
