//! The directory of a disk storage, as the blocking pool sees it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::directories::{self, Directories};
use super::layout::Layout;
use super::open_files::OpenFiles;
use super::temp::{self, Temp};
use crate::error::StorageError;
use crate::storage_mode::StorageMode;

/// The blocking half of a disk storage: everything in it runs on the blocking pool.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) layout: Layout,
    pub(super) directories: Directories,
    pub(super) open_files: Arc<OpenFiles>,
    /// Of what is made in it.
    pub(super) mode: StorageMode,
}

impl Tree {
    /// Opens the tree in `root`, which is created if need be, removes what dead processes left, and proves that it
    /// can be written, as far as there is room.
    pub(super) fn prepare(root: &Path, mode: StorageMode) -> Result<Self, StorageError> {
        let failed = |action, error| StorageError::from_io(action, root, error);
        directories::create_all(root, mode).map_err(|error| failed("create the storage directory", error))?;
        let real = root
            .canonicalize()
            .map_err(|error| failed("open the storage directory", error))?;
        let layout = Layout::new(real);
        for directory in [layout.tmp(), layout.quarantine()] {
            directories::create_all(directory, mode)
                .map_err(|error| StorageError::from_io("create", directory, error))?;
        }
        temp::sweep(layout.tmp())?;
        let directories = Directories::new(layout.root().to_owned(), mode);
        let tree = Self {
            layout,
            directories,
            open_files: Arc::new(OpenFiles::within_limit()),
            mode,
        };
        match tree.check() {
            // What is stored can be served meanwhile, and whoever asks whether it can be written is told.
            Err(StorageError::Full(_)) => {}
            checked => checked?,
        }
        Ok(tree)
    }

    /// Creates, syncs and removes a file.
    pub(super) fn check(&self) -> Result<(), StorageError> {
        let probe = Temp::create(self.layout.tmp(), self.mode)?;
        probe.fill(b"stoa")
    }

    /// Fails unless the root is there: without it, that a file is absent does not mean that it is not stored.
    pub(super) fn check_root(&self) -> Result<(), StorageError> {
        let root = self.layout.root();
        let is_there = root.metadata().and_then(|metadata| {
            if metadata.is_dir() {
                Ok(())
            } else {
                Err(io::ErrorKind::NotADirectory.into())
            }
        });
        is_there.map_err(|error| StorageError::from_io("find the storage directory", root, error))
    }
}
