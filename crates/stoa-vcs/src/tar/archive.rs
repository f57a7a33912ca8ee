//! Tar archives that programs print.

use std::io::{Cursor, Read};

use super::{TarHeader, TarKind, TarReader};
use crate::{Archive, Entry, EntryKind, Step, VcsError, VcsKind};

/// The folder into which the programs put all files of an archive.
pub(crate) const PREFIX: &str = "prefix";

/// The entries of a tar archive as it comes, those of a folder only.
pub(crate) struct TarArchive {
    tar: TarReader<Box<dyn Read + Send>>,
    vcs: VcsKind,
    /// What names must begin with, and lose.
    below: Vec<u8>,
    link: Cursor<Vec<u8>>,
    limit: u64,
    left: u64,
    nothing: Option<&'static str>,
    ended: bool,
}

impl TarArchive {
    /// The files below `subdir` of what `reader` gives, at most `limit` bytes.
    pub(crate) fn new(vcs: VcsKind, reader: Box<dyn Read + Send>, subdir: &str, limit: u64) -> Self {
        let mut below = format!("{PREFIX}/").into_bytes();
        if !subdir.is_empty() {
            below.extend_from_slice(subdir.as_bytes());
            below.push(b'/');
        }
        Self {
            tar: TarReader::new(reader),
            vcs,
            below,
            link: Cursor::default(),
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

    fn next_header(&mut self) -> Result<Option<TarHeader>, VcsError> {
        if self.ended {
            return Ok(None);
        }
        let header = match self.tar.next_header() {
            Ok(header) => header,
            Err(error) => match (VcsError::from_io(&error, self.vcs, Step::Archive), self.nothing) {
                (VcsError::Failed { said, .. }, Some(nothing)) if said.contains(nothing) => None,
                (error, _) => return Err(error),
            },
        };
        self.ended = header.is_none();
        Ok(header)
    }

    fn take(&mut self, size: u64) -> Result<(), VcsError> {
        self.left = self.left.checked_sub(size).ok_or(VcsError::TooLarge {
            vcs: self.vcs,
            step: Step::Archive,
            limit: self.limit,
        })?;
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Archive for TarArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        while let Some(header) = self.next_header()? {
            let path = header.path.strip_prefix(self.below.as_slice());
            let path = path.filter(|path| !path.is_empty() && header.kind != TarKind::Folder);
            let Some(path) = path.map(<[u8]>::to_vec) else {
                continue;
            };
            let (kind, size) = match header.kind {
                TarKind::File => (EntryKind::File, header.size),
                TarKind::Symlink => (EntryKind::Symlink, header.link.len() as u64),
                TarKind::Folder | TarKind::Other => (EntryKind::Other, 0),
            };
            self.take(size)?;
            let content: &mut dyn Read = match kind {
                EntryKind::File => &mut self.tar,
                EntryKind::Symlink => {
                    self.link = Cursor::new(header.link);
                    &mut self.link
                }
                EntryKind::Other => {
                    self.link = Cursor::default();
                    &mut self.link
                }
            };
            return Ok(Some(Entry {
                path,
                kind,
                id: None,
                size,
                content,
            }));
        }
        Ok(None)
    }
}
