//! Archives in memory.

use std::io::{self, Cursor, Read};

use stoa_vcs::{Archive, Entry, EntryKind, Step, VcsError, VcsKind};

/// Entries in memory, which may break off.
pub(crate) struct MemoryArchive {
    /// The next one is the last.
    entries: Vec<(Vec<u8>, EntryKind, Vec<u8>)>,
    now: Broken,
}

/// Content that ends early, as that of a program that was stopped.
struct Broken {
    content: Cursor<Vec<u8>>,
    left: Option<u64>,
}

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.left.map_or(buffer.len(), |left| {
            buffer.len().min(usize::try_from(left).unwrap())
        });
        let read = self.content.read(&mut buffer[..room])?;
        self.left = self.left.map(|left| left - read as u64);
        Ok(read)
    }
}

impl MemoryArchive {
    /// These entries, of whose content as many bytes come as `breaks` says, or all.
    pub(crate) fn new(mut entries: Vec<(Vec<u8>, EntryKind, Vec<u8>)>, breaks: Option<u64>) -> Self {
        entries.reverse();
        let content = Cursor::default();
        Self {
            entries,
            now: Broken {
                content,
                left: breaks,
            },
        }
    }
}

impl Archive for MemoryArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        if self.now.left == Some(0) {
            return Err(VcsError::Failed {
                vcs: VcsKind::Git,
                step: Step::Archive,
                said: "the remote end hung up".to_owned(),
            });
        }
        let Some((path, kind, content)) = self.entries.pop() else {
            return Ok(None);
        };
        self.now.content = Cursor::new(content);
        let size = self.now.content.get_ref().len() as u64;
        Ok(Some(Entry {
            path,
            kind,
            id: None,
            size,
            content: &mut self.now,
        }))
    }
}
