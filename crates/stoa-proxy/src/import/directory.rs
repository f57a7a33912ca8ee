//! A directory of another proxy, which is only read.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_storage::{Blob, ETag, ReadAt, StorageError};
use tokio::task::spawn_blocking;

use super::tree_source::{Tree, TreeFile, TreePage};

/// Files of a page: after so many, the page ends with its directory.
const PAGE: usize = 500;
/// No module path has so many elements.
const DEEPEST: usize = 64;

/// A directory, with all directories below it. Symbolic links are passed over: they may lead anywhere.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The directory at `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root.display())
    }
}

/// A walk through a part of the tree: the files of a directory first, then its directories by name.
struct Walk<'a> {
    root: &'a Path,
    page: TreePage,
}

impl Walk<'_> {
    /// Visits the directory at `path`. What comes up to the directory `after`, its elements, has been visited before; `None` if
    /// nothing has. Whether the page is full.
    fn visit(&mut self, path: &str, after: Option<&[&str]>, depth: usize) -> io::Result<bool> {
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(self.root.join(path))? {
            let entry = entry?;
            // A name that is no text is none of a module.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEEPEST {
                directories.push(name);
            } else if kind.is_file() && after.is_none() {
                files.push((name, entry.metadata()?.len()));
            }
        }
        let below = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            }
        };
        if after.is_none() {
            files.sort_unstable();
            self.page
                .files
                .extend(files.into_iter().map(|(name, len)| TreeFile {
                    path: below(&name),
                    len,
                }));
            if self.page.files.len() >= PAGE {
                self.page.next = Some(path.to_owned());
                return Ok(true);
            }
        }
        directories.sort_unstable();
        for name in directories {
            let rest = match after {
                None | Some([]) => None,
                Some([first, rest @ ..]) => match name.as_str().cmp(first) {
                    std::cmp::Ordering::Less => continue,
                    std::cmp::Ordering::Equal => Some(rest),
                    std::cmp::Ordering::Greater => None,
                },
            };
            if self.visit(&below(&name), rest, depth + 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Tree for Directory {
    async fn files(&self, after: Option<&str>) -> Result<TreePage, StorageError> {
        let (root, after) = (self.root.clone(), after.map(str::to_owned));
        let walk = move || {
            let mut walk = Walk {
                root: &root,
                page: TreePage::default(),
            };
            let after: Option<Vec<_>> = after
                .as_deref()
                .map(|after| after.split('/').filter(|name| !name.is_empty()).collect());
            let walked = walk.visit("", after.as_deref(), 0);
            walked
                .map(|_| walk.page)
                .map_err(|error| StorageError::from_io("read", &root, error))
        };
        let walked = spawn_blocking(walk).await;
        walked.map_err(|error| StorageError::from_io("read", &self.root, io::Error::other(error)))?
    }

    async fn open(&self, path: &str) -> Result<Option<Blob>, StorageError> {
        let place = self.root.join(path);
        let opened = {
            let place = place.clone();
            spawn_blocking(move || File::open(place).and_then(|file| Ok((file.metadata()?.len(), file))))
                .await
        };
        match opened.map_err(io::Error::other).flatten() {
            Ok((len, file)) => {
                let tag = ETag::of_content(path.as_bytes());
                Ok(Some(Blob::from_reader(
                    place,
                    Arc::new(Reader(Arc::new(file))),
                    len,
                    tag,
                )))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::from_io("open", &place, error)),
        }
    }
}

/// An open file.
#[derive(Debug)]
struct Reader(Arc<File>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for Reader {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let file = Arc::clone(&self.0);
        let read = move || {
            let mut buffer = vec![0; len];
            let mut filled = 0;
            while filled < len {
                match file.read_at(&mut buffer[filled..], offset + filled as u64) {
                    Ok(0) => break,
                    Ok(more) => filled += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            buffer.truncate(filled);
            Ok(Bytes::from(buffer))
        };
        spawn_blocking(read).await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_meet_every_file_once_whatever_their_names() {
        let root = tempfile::tempdir().expect("a directory");
        let mut want = Vec::new();
        for directory in ["a/b", "a/b-c", "a/b/c", "a.x", "z"] {
            fs::create_dir_all(root.path().join(directory)).expect("made");
            for number in 0..=PAGE / 2 {
                let path = format!("{directory}/{number}");
                fs::write(root.path().join(&path), b"x").expect("written");
                want.push(path);
            }
        }
        std::os::unix::fs::symlink("/etc", root.path().join("z/link")).expect("linked");
        let tree = Directory::new(root.path().to_owned());
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = tree.files(after.as_deref()).await.expect("a page");
            pages += 1;
            found.extend(page.files.into_iter().map(|file| file.path));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, 3);
        found.sort_unstable();
        want.sort_unstable();
        assert_eq!(found, want);
    }
}
