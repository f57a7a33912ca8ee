//! The use of one repository.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files;
use super::folders::Folders;

/// The use of one repository: as long as this is held, the repository is not evicted.
#[derive(Debug)]
pub struct Lease {
    folders: Arc<Folders>,
    key: String,
    path: PathBuf,
}

impl Lease {
    pub(super) fn new(folders: Arc<Folders>, key: String) -> Self {
        folders.hold(&key);
        let path = folders.path(&key);
        Self { folders, key, path }
    }

    /// The folder of the repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the repository if it is missing: `fill` fills a folder, which then appears at its place as a whole.
    pub fn create(&self, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        self.folders.create(&self.key, fill)
    }

    /// Discards the repository, because it is damaged; other users of it fail.
    pub fn discard(&self) -> io::Result<()> {
        self.folders.discard(&self.path)
    }

    /// Measures the repository and gives its size in bytes; to be called after it grew.
    pub fn measure(&self) -> u64 {
        let size = files::size(&self.path);
        self.folders.resize(&self.key, size);
        size
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.folders.release(&self.key);
    }
}
