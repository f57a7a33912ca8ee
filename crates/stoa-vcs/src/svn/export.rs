//! Reading what `svn export` wrote, and nothing else.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::fd::OwnedFd;

use super::exports::ExportFolder;
use crate::{Archive, Entry, EntryKind, Step, VcsError, VcsKind};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

/// The files of an export, in the order of the list that the server gave. No link is ever followed, in no place of a
/// path: a repository could have one to any file of this host. Dropping it removes the export.
#[derive(Debug)]
pub(super) struct Export {
    tree: Option<(OwnedFd, ExportFolder)>,
    files: std::vec::IntoIter<(String, u64)>,
    content: Content,
}

/// What is read of an entry.
#[derive(Debug)]
enum Content {
    Link(Cursor<Vec<u8>>),
    File(io::Take<File>),
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Link(to) => to.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

impl Export {
    /// No files.
    pub(super) fn empty() -> Self {
        Self {
            tree: None,
            files: Vec::new().into_iter(),
            content: Content::Link(Cursor::default()),
        }
    }

    /// These files of `tree` in `dir`; none if `tree` is no folder: Subversion lists and exports single files, too.
    pub(super) fn open(dir: ExportFolder, files: Vec<(String, u64)>) -> io::Result<Self> {
        dir.measure();
        let root = match openat(CWD, dir.path().join("tree"), FOLDER, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Self::empty()),
            opened => opened?,
        };
        Ok(Self {
            tree: Some((root, dir)),
            files: files.into_iter(),
            ..Self::empty()
        })
    }

    fn open_entry(&self, name: &str, listed: u64) -> io::Result<(EntryKind, u64, Content)> {
        let (root, _) = self.tree.as_ref().ok_or_else(|| bad(name, "is in no export"))?;
        let mut parts: Vec<&str> = name.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err(bad(name, "is no path"));
        }
        let last = parts.pop().unwrap_or_default();
        let mut folder: Option<OwnedFd> = None;
        for part in parts {
            let within = folder.as_ref().unwrap_or(root);
            folder = Some(openat(within, part, FOLDER, Mode::empty())?);
        }
        let folder = folder.as_ref().unwrap_or(root);
        match openat(folder, last, FILE, Mode::empty()) {
            Ok(file) => {
                let file = File::from(file);
                let data = file.metadata()?;
                if !data.is_file() {
                    return Err(bad(name, "is no file"));
                }
                if data.len() != listed {
                    let differ = format!("has {} bytes, and {listed} in the list", data.len());
                    return Err(bad(name, &differ));
                }
                Ok((EntryKind::File, listed, Content::File(file.take(listed))))
            }
            Err(Errno::LOOP) => {
                let to = readlinkat(folder, last, Vec::new())?.into_bytes();
                Ok((
                    EntryKind::Symlink,
                    to.len() as u64,
                    Content::Link(Cursor::new(to)),
                ))
            }
            Err(error) => Err(error.into()),
        }
    }
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

// Without waiting, should it be a pipe.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

fn bad(name: &str, what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{name:?} of the export {what}"),
    )
}

#[deny(clippy::missing_trait_methods)]
impl Archive for Export {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        let Some((name, listed)) = self.files.next() else {
            return Ok(None);
        };
        let opened = self.open_entry(&name, listed);
        let (kind, size, content) =
            opened.map_err(|error| VcsError::from_io(&error, VcsKind::Svn, Step::Archive))?;
        self.content = content;
        Ok(Some(Entry {
            path: name.into_bytes(),
            kind,
            id: None,
            size,
            content: &mut self.content,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::exports::Exports;
    use super::*;
    use crate::cache::Cache;

    #[tokio::test]
    async fn follows_no_link_in_any_place() {
        let root = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(root.path(), 1 << 20).expect("a cache");
        let exports = Exports::new("https://h.example/r", cache, "");
        let dir = exports.folder().await.expect("a folder");
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("sub")).expect("a folder");
        std::fs::write(dir.path().join("secret"), "123456789").expect("a file");
        std::fs::write(tree.join("sub/f"), "abc").expect("a file");
        std::os::unix::fs::symlink("../secret", tree.join("link")).expect("a link");
        std::os::unix::fs::symlink("..", tree.join("up")).expect("a link");
        let export = Export::open(dir, Vec::new()).expect("an export");
        let kind = |name: &str, size| {
            export
                .open_entry(name, size)
                .map(|(kind, size, _)| (kind, size))
                .ok()
        };
        assert_eq!(kind("sub/f", 3), Some((EntryKind::File, 3)));
        assert_eq!(kind("link", 9), Some((EntryKind::Symlink, 9)));
        for (name, size) in [
            ("up/secret", 9),
            ("../secret", 9),
            ("sub/f", 4),
            ("sub", 0),
            ("/etc/hostname", 5),
            ("no", 0),
        ] {
            assert_eq!(kind(name, size), None, "{name}");
        }
    }
}
