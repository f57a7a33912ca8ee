//! Files that are being read, of which only so many are open.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};

use crate::blocking::blocking;
use crate::pread::{fill, read};
use crate::stage::ReadAt;

/// One of so many descriptors that the process may have is for files that are being read.
const SHARE: u64 = 8;
/// As few files as are open at least, and as many as are of use.
const OPEN: (u64, u64) = (16, 4096);

/// The files of a storage that are open to be read. Of more than there is room for, the one that was opened first is closed,
/// and opened again when it is read.
///
/// Who asks for many files and takes none of them would have all descriptors of the process otherwise.
#[derive(Debug)]
pub(super) struct OpenFiles {
    capacity: usize,
    open: Mutex<Numbered>,
}

/// Files by number: one that was opened later has a higher one, and none is given twice.
#[derive(Debug, Default)]
struct Numbered {
    next: u64,
    files: BTreeMap<u64, Weak<Reading>>,
}

/// A file that is being read: the same one whether it is opened once or more often.
#[derive(Clone, Debug)]
pub(super) struct ReadFile(Arc<Reading>);

#[derive(Debug)]
struct Reading {
    path: PathBuf,
    identity: Identity,
    open: Mutex<Option<Opened>>,
    files: Arc<OpenFiles>,
}

#[derive(Debug)]
struct Opened {
    file: Arc<File>,
    /// Its number among the open ones.
    number: u64,
}

/// What tells that a path still leads to the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl OpenFiles {
    /// Room for a share of what this process may open.
    pub(super) fn within_limit() -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let capacity = (limit / SHARE).clamp(OPEN.0, OPEN.1);
        Self::new(usize::try_from(capacity).unwrap_or(usize::MAX))
    }

    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            open: Mutex::default(),
        }
    }

    /// A file that has just been opened under this path.
    pub(super) fn keep(self: &Arc<Self>, path: PathBuf, file: Arc<File>, metadata: &Metadata) -> ReadFile {
        let reading = Arc::new(Reading {
            path,
            identity: Identity::of(metadata),
            open: Mutex::default(),
            files: Arc::clone(self),
        });
        reading.keep(file);
        ReadFile(reading)
    }

    /// Takes a file among the open ones: its number, and the one to be closed if there are too many.
    fn enter(&self, reading: &Arc<Reading>) -> (u64, Option<(u64, Weak<Reading>)>) {
        let mut open = self.open.lock();
        let number = open.next;
        open.next += 1;
        open.files.insert(number, Arc::downgrade(reading));
        let first = (open.files.len() > self.capacity).then(|| open.files.pop_first());
        (number, first.flatten())
    }

    fn forget(&self, number: u64) {
        self.open.lock().files.remove(&number);
    }
}

impl Reading {
    fn opened(&self) -> Option<Arc<File>> {
        self.open.lock().as_ref().map(|opened| Arc::clone(&opened.file))
    }

    fn keep(self: &Arc<Self>, file: Arc<File>) {
        let mut open = self.open.lock();
        let (number, first) = self.files.enter(self);
        let replaced = open.replace(Opened { file, number });
        // Others are locked, and files closed, without a lock.
        drop(open);
        // Two readers may have opened it at once.
        if let Some(replaced) = replaced {
            self.files.forget(replaced.number);
        }
        if let Some((number, reading)) = first
            && let Some(reading) = reading.upgrade()
        {
            reading.close(number);
        }
    }

    /// Closes what has this number.
    fn close(&self, number: u64) {
        let closed = self.open.lock().take_if(|opened| opened.number == number);
        drop(closed);
    }

    /// Opens the file once more. Blocks.
    fn open_again(self: &Arc<Self>) -> io::Result<Arc<File>> {
        let file = File::open(&self.path)?;
        if Identity::of(&file.metadata()?) != self.identity {
            let reason = "it was replaced while it was read; there were too many open files to keep it open";
            return Err(io::Error::other(reason));
        }
        let file = Arc::new(file);
        self.keep(Arc::clone(&file));
        Ok(file)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for ReadFile {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        if let Some(file) = self.0.opened() {
            return read(file, offset, len).await;
        }
        let (reading, buffer) = (Arc::clone(&self.0), Vec::with_capacity(len));
        blocking(move || fill(&*reading.open_again()?, offset, len, buffer)).await
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(opened) = self.open.get_mut().take() {
            self.files.forget(opened.number);
        }
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kept(files: &Arc<OpenFiles>, path: &std::path::Path) -> ReadFile {
        let file = File::open(path).unwrap();
        let metadata = file.metadata().unwrap();
        files.keep(path.to_owned(), Arc::new(file), &metadata)
    }

    fn open(files: &OpenFiles) -> usize {
        files.open.lock().files.len()
    }

    #[tokio::test]
    async fn files_beyond_the_room_are_closed_and_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let files = Arc::new(OpenFiles::new(2));
        let all: Vec<_> = (0..5)
            .map(|number| {
                let path = directory.path().join(number.to_string());
                fs::write(&path, number.to_string().repeat(10)).unwrap();
                kept(&files, &path)
            })
            .collect();
        let are_open = |all: &[ReadFile]| all.iter().filter(|file| file.0.opened().is_some()).count();
        assert_eq!((open(&files), are_open(&all)), (2, 2));
        for (number, file) in all.iter().enumerate() {
            assert_eq!(file.read_at(3, 4).await.unwrap(), number.to_string().repeat(4));
            assert_eq!((open(&files), are_open(&all)), (2, 2));
        }
        drop(all);
        assert_eq!(open(&files), 0, "what nobody reads has no place");
    }

    #[tokio::test]
    async fn a_file_that_is_open_stays_what_it_was_and_one_that_was_closed_is_not_taken_for_another() {
        let directory = tempfile::tempdir().unwrap();
        let files = Arc::new(OpenFiles::new(1));
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        for path in [&first, &second] {
            fs::write(path, b"old").unwrap();
        }
        let closed = kept(&files, &first);
        let opened = kept(&files, &second);
        for path in [&first, &second] {
            fs::rename(path, path.with_extension("aside")).unwrap();
            fs::write(path, b"new").unwrap();
        }
        assert_eq!(opened.read_at(0, 3).await.unwrap(), "old");
        let error = closed.read_at(0, 3).await.unwrap_err();
        assert!(error.to_string().contains("replaced"), "{error}");
        fs::rename(first.with_extension("aside"), &first).unwrap();
        assert_eq!(
            closed.read_at(0, 3).await.unwrap(),
            "old",
            "the same file once more"
        );
        fs::remove_file(&second).unwrap();
        let error = opened.read_at(0, 3).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_readers_of_one_file_share_little_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let content: Vec<u8> = (0..=255).collect();
        fs::write(&path, &content).unwrap();
        let files = Arc::new(OpenFiles::new(3));
        let mut readers = tokio::task::JoinSet::new();
        for reader in 0..32_u64 {
            let (file, content) = (kept(&files, &path), content.clone());
            readers.spawn(async move {
                for round in 0..50 {
                    let at = (7 * reader + 13 * round) % 200;
                    let start = usize::try_from(at).unwrap();
                    assert_eq!(file.read_at(at, 50).await.unwrap(), content[start..start + 50]);
                }
            });
        }
        while let Some(read) = readers.join_next().await {
            read.unwrap();
        }
        assert_eq!(open(&files), 0);
    }
}
