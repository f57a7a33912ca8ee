//! Tar archives that programs print.

use std::io::{self, Read};

use crate::{Archive, Entry, EntryKind, Step, VcsError, VcsKind};

/// The folder that the programs are told to put all files into.
pub(crate) const PREFIX: &str = "prefix";

/// The longest header of names, in bytes.
const LONGEST: u64 = 1 << 20;

/// The entries of a tar archive as it comes, those of a folder only; with the names of pax and GNU headers.
pub(crate) struct TarArchive {
    inner: Inner,
    vcs: VcsKind,
    /// What names must begin with, and lose.
    below: Vec<u8>,
    limit: u64,
    left: u64,
    nothing: Option<&'static str>,
    ended: bool,
}

/// The archive, and what is left of the entry that is being read.
struct Inner {
    reader: Box<dyn Read + Send>,
    content: u64,
    padding: u64,
    link: io::Cursor<Vec<u8>>,
}

/// A header, and what the headers before it say of the same entry.
#[derive(Default)]
struct Header {
    kind: u8,
    size: u64,
    path: Vec<u8>,
    link: Vec<u8>,
}

#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl TarArchive {
    /// The files below `subdir` of what `reader` gives, at most `limit` bytes.
    pub(crate) fn new(vcs: VcsKind, reader: Box<dyn Read + Send>, subdir: &str, limit: u64) -> Self {
        let mut below = format!("{PREFIX}/").into_bytes();
        if !subdir.is_empty() {
            below.extend_from_slice(subdir.as_bytes());
            below.push(b'/');
        }
        let inner = Inner {
            reader,
            content: 0,
            padding: 0,
            link: io::Cursor::default(),
        };
        Self {
            inner,
            vcs,
            below,
            limit,
            left: limit,
            nothing: None,
            ended: false,
        }
    }

    /// An archive whose program fails, saying this, when there are no files.
    #[must_use]
    pub(crate) fn with_nothing(mut self, said: &'static str) -> Self {
        self.nothing = Some(said);
        self
    }

    fn error(&self, error: &io::Error) -> VcsError {
        VcsError::from_io(error, self.vcs, Step::Archive)
    }

    /// The next header of an entry, with all that is said of it; `None` at the end.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut extended = Extended::default();
        loop {
            self.inner.skip()?;
            let Some(block) = self.inner.block()? else {
                return Ok(None);
            };
            let mut header = Header::parse(&block)?;
            match header.kind {
                b'x' => extended.pax(&self.inner.long(header.size)?)?,
                b'g' => drop(self.inner.long(header.size)?),
                b'L' => extended.path = Some(until_nul(&self.inner.long(header.size)?).to_vec()),
                b'K' => extended.link = Some(until_nul(&self.inner.long(header.size)?).to_vec()),
                _ => {
                    header.path = extended.path.unwrap_or(header.path);
                    header.link = extended.link.unwrap_or(header.link);
                    header.size = extended.size.unwrap_or(header.size);
                    return Ok(Some(header));
                }
            }
        }
    }

    fn next_header(&mut self) -> Result<Option<Header>, VcsError> {
        let header = match self.header() {
            Ok(header) => header,
            Err(error) => match (self.error(&error), self.nothing) {
                (VcsError::Failed { said, .. }, Some(nothing)) if said.contains(nothing) => None,
                (error, _) => return Err(error),
            },
        };
        if header.is_none() {
            self.ended = true;
        }
        Ok(header)
    }
}

impl Archive for TarArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        while !self.ended {
            let Some(header) = self.next_header()? else {
                break;
            };
            let (kind, size) = match header.kind {
                b'0' | b'7' | 0 => (EntryKind::File, header.size),
                b'2' => (EntryKind::Symlink, header.link.len() as u64),
                _ => (EntryKind::Other, 0),
            };
            // Links, devices and folders have none, whatever their header says.
            let stored = if (b'1'..=b'6').contains(&header.kind) {
                0
            } else {
                header.size
            };
            self.inner.content = stored;
            self.inner.padding = (512 - stored % 512) % 512;
            let path = header.path.strip_prefix(self.below.as_slice());
            let Some(path) = path.filter(|path| !path.is_empty() && header.kind != b'5') else {
                continue;
            };
            self.left = self.left.checked_sub(size).ok_or(VcsError::TooLarge {
                vcs: self.vcs,
                step: Step::Archive,
                limit: self.limit,
            })?;
            let link = if kind == EntryKind::Symlink {
                header.link
            } else {
                Vec::new()
            };
            self.inner.link = io::Cursor::new(link);
            let path = path.to_vec();
            let content = &mut self.inner;
            return Ok(Some(Entry {
                path,
                kind,
                size,
                content,
            }));
        }
        Ok(None)
    }
}

impl Inner {
    /// Skips what is left of an entry.
    fn skip(&mut self) -> io::Result<()> {
        let left = self.content + self.padding;
        (self.content, self.padding) = (0, 0);
        self.link = io::Cursor::default();
        let skipped = io::copy(&mut self.reader.by_ref().take(left), &mut io::sink())?;
        if skipped == left { Ok(()) } else { Err(cut()) }
    }

    /// The next block that is not empty. The end of the archive is only believed when the program ended well, too.
    fn block(&mut self) -> io::Result<Option<[u8; 512]>> {
        let mut block = [0; 512];
        let mut filled = 0;
        while filled < block.len() {
            match self.reader.read(&mut block[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        if filled == block.len() && block.iter().any(|&byte| byte != 0) {
            return Ok(Some(block));
        }
        if filled < block.len() {
            return Err(cut());
        }
        io::copy(&mut self.reader, &mut io::sink())?;
        Ok(None)
    }

    /// The content of a header that is too long for one block.
    fn long(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LONGEST {
            return Err(bad("a header that is too long"));
        }
        let mut bytes = Vec::new();
        self.reader.by_ref().take(size).read_to_end(&mut bytes)?;
        self.padding = (512 - size % 512) % 512;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(cut())
        }
    }
}

impl Read for Inner {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let linked = self.link.read(buffer)?;
        if linked > 0 || self.content == 0 || buffer.is_empty() {
            return Ok(linked);
        }
        let read = self.reader.by_ref().take(self.content).read(buffer)?;
        if read == 0 {
            return Err(cut());
        }
        self.content -= read as u64;
        Ok(read)
    }
}

impl Header {
    fn parse(block: &[u8; 512]) -> io::Result<Self> {
        let sum = block.iter().enumerate().map(|(at, &byte)| {
            if (148..156).contains(&at) {
                32
            } else {
                u64::from(byte)
            }
        });
        if octal(&block[148..156])? != sum.sum::<u64>() {
            return Err(bad("a header with a wrong checksum"));
        }
        let mut path = until_nul(&block[..100]).to_vec();
        let before = until_nul(&block[345..500]);
        if block[257..263] == *b"ustar\0" && !before.is_empty() {
            path = [before, b"/", &path].concat();
        }
        Ok(Self {
            kind: block[156],
            size: octal(&block[124..136])?,
            path,
            link: until_nul(&block[157..257]).to_vec(),
        })
    }
}

impl Extended {
    /// Takes records of `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, mut records: &[u8]) -> io::Result<()> {
        while !records.is_empty() {
            let wrong = || bad("a record that is not understood");
            let space = records.iter().position(|&byte| byte == b' ').ok_or_else(wrong)?;
            let length = std::str::from_utf8(&records[..space])
                .ok()
                .and_then(|text| text.parse::<usize>().ok());
            let length = length
                .filter(|&length| length > space + 1 && length <= records.len())
                .ok_or_else(wrong)?;
            let record = &records[space + 1..length - 1];
            records = &records[length..];
            let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(wrong)?;
            let value = &record[equals + 1..];
            match &record[..equals] {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let text = std::str::from_utf8(value).map_err(|_| wrong())?;
                    self.size = Some(text.parse().map_err(|_| wrong())?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|&byte| byte == 0).unwrap_or(field.len())]
}

/// An octal number, or one of GNU's binary ones.
fn octal(field: &[u8]) -> io::Result<u64> {
    let wrong = || bad("a number that is not understood");
    if field[0] == 0x80 {
        let (high, low) = field.split_at(field.len() - 8);
        let low: [u8; 8] = low.try_into().map_err(|_| wrong())?;
        let fits = high[1..].iter().all(|&byte| byte == 0);
        return fits.then_some(u64::from_be_bytes(low)).ok_or_else(wrong);
    }
    let text = std::str::from_utf8(until_nul(field)).map_err(|_| wrong())?;
    match text.trim() {
        "" => Ok(0),
        digits => u64::from_str_radix(digits, 8).map_err(|_| wrong()),
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive has {what}"))
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is cut off")
}
