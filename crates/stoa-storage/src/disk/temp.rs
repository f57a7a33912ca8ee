//! Files on their way in.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher as _;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use super::directories;
use crate::error::StorageError;
use crate::put::Put;
use crate::storage_mode::StorageMode;

/// A temporary file, locked as long as it is open and removed when it is dropped unpublished.
#[derive(Debug)]
pub(super) struct Temp {
    path: PathBuf,
    file: Arc<File>,
    published: bool,
}

impl Temp {
    /// A new file in `directory`. That and the directory above it are created again if another program removed them;
    /// what is further up is the storage's root, whose absence is an error.
    pub(super) fn create(directory: &Path, mode: StorageMode) -> Result<Self, StorageError> {
        loop {
            let path = directory.join(unique_name());
            let attempt = match Self::create_at(&path, mode) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    directories::create_pair(directory, mode).and_then(|()| Self::create_at(&path, mode))
                }
                attempt => attempt,
            };
            match attempt {
                Ok(Some(file)) => {
                    return Ok(Self {
                        path,
                        file: Arc::new(file),
                        published: false,
                    });
                }
                Ok(None) => {}
                Err(error) => return Err(StorageError::from_io("create", &path, error)),
            }
        }
    }

    /// `None` if the name was taken, or another process took the file for abandoned before it was locked.
    fn create_at(path: &Path, mode: StorageMode) -> io::Result<Option<File>> {
        let file = match OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(mode.of_files())
            .open(path)
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            opened => opened?,
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        Ok((file.metadata()?.nlink() > 0).then_some(file))
    }

    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Writes the whole content, and syncs it.
    pub(super) fn fill(&self, content: &[u8]) -> Result<(), StorageError> {
        let written = self
            .file
            .write_all_at(content, 0)
            .and_then(|()| self.file.sync_all());
        written.map_err(|error| StorageError::from_io("write", &self.path, error))
    }

    pub(super) fn sync(&self) -> Result<(), StorageError> {
        self.file
            .sync_all()
            .map_err(|error| StorageError::from_io("write", &self.path, error))
    }

    /// Gives the file the name `to`, unless that is taken.
    pub(super) fn publish(&mut self, to: &Path) -> io::Result<Put> {
        match renameat_with(CWD, &self.path, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => {
                self.published = true;
                Ok(Put::Stored)
            }
            Err(Errno::EXIST) => Ok(Put::Existed),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.publish_by_link(to),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the file the name `to`, in place of what has it.
    pub(super) fn replace(&mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.published = true;
        Ok(())
    }

    /// [`publish`](Self::publish) where the file system cannot rename without replacing. The temporary name goes with the drop.
    fn publish_by_link(&self, to: &Path) -> io::Result<Put> {
        match fs::hard_link(&self.path, to) {
            Ok(()) => Ok(Put::Stored),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Existed),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.published {
            // If this fails the file is unlocked all the same, and swept at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A name no other process or thread uses.
pub(super) fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one(count);
    format!("{}-{count}-{random:016x}", process::id())
}

/// Removes the files in `directory` that no living process has locked.
pub(super) fn sweep(directory: &Path) -> Result<(), StorageError> {
    let failed = |error| StorageError::from_io("read", directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // A file that cannot be opened or removed may belong to another user, or be gone. It does no harm where it is.
        let Ok(file) = File::open(&path) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_where_renaming_cannot_refuse_to_replace() {
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("published");
        let temp = Temp::create(directory.path(), StorageMode::Private).unwrap();
        temp.fill(b"first").unwrap();
        assert_eq!(temp.publish_by_link(&to).unwrap(), Put::Stored);
        drop(temp);
        let late = Temp::create(directory.path(), StorageMode::Private).unwrap();
        late.fill(b"second").unwrap();
        assert_eq!(late.publish_by_link(&to).unwrap(), Put::Existed);
        drop(late);
        assert_eq!(fs::read(&to).unwrap(), b"first");
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "only the published name remains"
        );
    }

    #[test]
    fn sweeps_only_what_no_process_holds() {
        let directory = tempfile::tempdir().unwrap();
        let held = Temp::create(directory.path(), StorageMode::Private).unwrap();
        fs::write(directory.path().join("4711-0-abandoned"), b"half a fi").unwrap();
        sweep(directory.path()).unwrap();
        let left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, std::slice::from_ref(&held.path));
    }

    #[test]
    fn comes_back_after_its_directory_was_removed() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("tmp");
        Temp::create(&inner, StorageMode::Private)
            .unwrap()
            .fill(b"x")
            .unwrap();
        assert!(inner.is_dir());
    }
}
