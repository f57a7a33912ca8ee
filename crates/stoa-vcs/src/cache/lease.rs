//! The use of one repository.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Cache, files};

/// As long as this is held, its repository is not thrown away.
#[derive(Debug)]
pub struct Lease {
    cache: Arc<Cache>,
    key: String,
    path: PathBuf,
}

impl Lease {
    pub(super) fn new(cache: Arc<Cache>, key: String) -> Self {
        let path = cache.path(&key);
        Self { cache, key, path }
    }

    /// The folder of the repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the repository if it is missing: `fill` fills a folder, which then appears at its place as a whole.
    pub fn create(&self, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        self.cache.create(&self.key, fill)
    }

    /// Throws the repository away, which is damaged; whoever else uses it fails.
    pub fn discard(&self) -> io::Result<()> {
        self.cache.discard(&self.path)
    }

    /// Measures the repository and gives its size in bytes; to be called after it grew.
    pub fn measure(&self) -> u64 {
        let size = files::size(&self.path);
        self.cache.resize(&self.key, size);
        size
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.cache.release(&self.key);
    }
}
