//! Files that arrive piece by piece.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::dirhash::H1;

use super::lookup::exists;
use super::open_files::ReadFile;
use super::temp::Temp;
use super::tree::Tree;
use crate::blocking::blocking;
use crate::error::StorageError;
use crate::pread::read;
use crate::put::Put;
use crate::stage::{ReadAt, Stage};
use crate::stage_key::StageKey;

/// A temporary file that knows its key.
pub(super) struct DiskStage {
    tree: Arc<Tree>,
    key: StageKey,
    temp: Temp,
    written: Arc<Written>,
    /// A write has begun and not ended well.
    broken: bool,
}

impl DiskStage {
    pub(super) fn begin(tree: Arc<Tree>, key: StageKey) -> Result<Self, StorageError> {
        // A name the file system cannot have is refused now, and not after the download.
        exists(&tree.layout.staged(&key))?;
        let temp = Temp::create(tree.layout.tmp(), tree.mode)?;
        let written = Arc::new(Written {
            source: Mutex::new(Source::Own(Arc::clone(temp.file()))),
            len: AtomicU64::new(0),
        });
        Ok(Self {
            tree,
            key,
            temp,
            written,
            broken: false,
        })
    }

    fn check(&self) -> Result<(), StorageError> {
        if !self.broken {
            return Ok(());
        }
        let error = io::Error::other("an earlier write failed or was given up");
        Err(StorageError::from_io(
            "complete",
            &self.tree.layout.staged(&self.key),
            error,
        ))
    }
}

impl fmt::Debug for DiskStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.to_string();
        f.debug_struct("DiskStage")
            .field("key", &key)
            .field("temp", &self.temp)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stage for DiskStage {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        self.check()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let (file, at) = (Arc::clone(self.temp.file()), self.written.len());
        let end = at + chunk.len() as u64;
        self.broken = true;
        let done: io::Result<()> = blocking(move || file.write_all_at(&chunk, at)).await;
        done.map_err(|error| StorageError::from_io("write", &self.tree.layout.staged(&self.key), error))?;
        self.written.len.store(end, Ordering::Release);
        self.broken = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn ReadAt> {
        Arc::<Written>::clone(&self.written)
    }

    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError> {
        self.check()?;
        let h1 = h1.copied();
        let Self {
            tree,
            key,
            temp,
            written,
            ..
        } = *self;
        blocking(move || {
            temp.sync()?;
            let file = Arc::clone(temp.file());
            let put = tree.publish(temp, &key, h1.as_ref())?;
            if put == Put::Stored
                && let Ok(metadata) = file.metadata()
            {
                let path = tree.layout.staged(&key);
                let published = tree.open_files.keep(path, file, &metadata);
                *written.source.lock() = Source::Published(published);
            }
            Ok(put)
        })
        .await
    }

    async fn reject(self: Box<Self>) -> Result<(), StorageError> {
        self.check()?;
        let Self { tree, key, temp, .. } = *self;
        blocking(move || tree.keep_aside(temp, &key)).await
    }
}

/// What has been written so far.
#[derive(Debug)]
struct Written {
    source: Mutex<Source>,
    len: AtomicU64,
}

#[derive(Clone, Debug)]
enum Source {
    /// The temporary file, held open so that it outlives its name. Its writer has a place among the fetches.
    Own(Arc<File>),
    /// The same file under its key. Nobody's place bounds how many of these are read, so they are closed at need.
    Published(ReadFile),
}

impl Written {
    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for Written {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let left = self.len().saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        let source = self.source.lock().clone();
        match source {
            Source::Own(file) => read(file, offset, len).await,
            Source::Published(file) => file.read_at(offset, len).await,
        }
    }
}
