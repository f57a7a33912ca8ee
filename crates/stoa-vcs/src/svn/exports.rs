//! Where exports are made.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::cache::{Cache, Lease};
use crate::leftovers::{clear_folder, remove_unsettled};
use crate::{Step, VcsError, VcsKind};

/// The folder of one repository in the cache, in which an export is as long as it is read.
#[derive(Debug)]
pub(super) struct Exports {
    cache: Arc<Cache>,
    key: String,
    /// Whether what an earlier process left is gone; of all handles of the repository.
    swept: Arc<OnceCell<()>>,
}

/// The folder of one export. Dropping this removes it.
#[derive(Debug)]
pub(super) struct ExportFolder {
    dir: Option<TempDir>,
    lease: Arc<Lease>,
    _swept: Arc<OnceCell<()>>,
}

impl Exports {
    pub(super) fn new(url: &str, cache: Arc<Cache>, audience: &str) -> Self {
        let key = Cache::key_for(VcsKind::Svn, url, audience);
        let swept = cache.shared(&key, OnceCell::default);
        Self { cache, key, swept }
    }

    /// A new, empty folder.
    pub(super) async fn folder(&self) -> Result<ExportFolder, VcsError> {
        let lease = Arc::new(self.cache.lease(&self.key));
        let place = Arc::clone(&lease);
        blocking(move || place.create(|_| Ok(()))).await?;
        let place = Arc::clone(&lease);
        let sweep = || blocking(move || clear_folder(place.path(), |_| Ok(false)));
        self.swept.get_or_try_init(sweep).await?;
        let place = Arc::clone(&lease);
        let dir = blocking(move || tempfile::tempdir_in(place.path())).await?;
        Ok(ExportFolder {
            dir: Some(dir),
            lease,
            _swept: Arc::clone(&self.swept),
        })
    }
}

impl ExportFolder {
    pub(super) fn path(&self) -> &Path {
        self.dir.as_ref().map_or(self.lease.path(), TempDir::path)
    }

    /// Measures the export, so that it counts towards the limit of the cache.
    pub(super) fn measure(&self) {
        self.lease.measure();
    }
}

impl Drop for ExportFolder {
    fn drop(&mut self) {
        if let Some(dir) = self.dir.take() {
            remove_unsettled(&dir.keep());
        }
        self.lease.measure();
    }
}

/// Does what touches the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, VcsError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|error| Err(io::Error::other(error.to_string())));
    done.map_err(|error| VcsError::from_io(&error, VcsKind::Svn, Step::Archive))
}
