//! Makes the index anew from what is stored.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use serde::Serialize;
use stoa_index::{Index, IndexError, IndexEvent, MAX_BATCH, Stored};
use stoa_module::dirhash::H1;
use stoa_storage::{FileKey, FileKind, FileWalk, Storage, StorageError, StoredFile};

use super::index_notes::index_file;

/// Files at a time: each is one event or, with its last use, two, and each that is missing is one.
const FILES: usize = MAX_BATCH / 4;
/// The most files that a version has.
const MOST_TOGETHER: usize = FileKind::ALL.len();
/// Zips whose hashes are asked for at a time. A directory reads a small file for each, a bucket is asked.
const HASHES: usize = 16;

/// Tells an index of every file that is stored, and has it forget what is not. Requests use it meanwhile.
#[derive(Clone, Debug)]
pub struct Reindex {
    index: Arc<dyn Index>,
    storage: Arc<dyn Storage>,
    /// Files told so far, for whoever watches.
    files: Arc<AtomicU64>,
}

/// How much was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReindexReport {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why an index could not be made anew.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReindexError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// What is stored cannot be listed.
    #[error("{}", .0.report())]
    Storage(#[from] StorageError),
}

impl Reindex {
    /// Tells `index` of the files of `storage`.
    pub fn new(index: Arc<dyn Index>, storage: Arc<dyn Storage>) -> Self {
        Self {
            index,
            storage,
            files: Arc::default(),
        }
    }

    /// The index.
    pub(super) fn index(&self) -> &Arc<dyn Index> {
        &self.index
    }

    /// How many files have been told of in the last run.
    pub fn files_so_far(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Does it. What fails can be begun again at any time. With `all_hashes`, hashes that the index lacks are asked of a
    /// storage for which each is a request of its own; a directory is always asked.
    ///
    /// # Errors
    /// When the storage cannot be listed, or the index does not take it.
    pub async fn run(&self, all_hashes: bool) -> Result<ReindexReport, ReindexError> {
        self.files.store(0, Ordering::Relaxed);
        let rebuild = self.index.begin_rebuild().await?;
        let mut walk = FileWalk::new(Arc::clone(&self.storage), None);
        let mut report = ReindexReport::default();
        let mut page: Vec<StoredFile> = Vec::with_capacity(FILES);
        loop {
            let file = walk.next().await?;
            // The files of a version follow one another, and are told together: what is not among them is not stored.
            let is_next =
                |file: &StoredFile| page.last().is_none_or(|last| last.key.target != file.key.target);
            if file.as_ref().is_none_or(is_next) && (page.len() + MOST_TOGETHER > FILES || file.is_none()) {
                report.files += page.len() as u64;
                report.bytes += page.iter().map(|file| file.len).sum::<u64>();
                self.tell(&page, all_hashes).await?;
                page.clear();
                self.files.store(report.files, Ordering::Relaxed);
            }
            match file {
                Some(file) => page.push(file),
                None => break,
            }
        }
        self.index.end_rebuild(rebuild).await?;
        Ok(report)
    }

    async fn tell(&self, page: &[StoredFile], all_hashes: bool) -> Result<(), ReindexError> {
        let mut hashes = Vec::with_capacity(page.len());
        for some in page.chunks(HASHES) {
            let mut asked = Vec::with_capacity(HASHES);
            for file in some {
                asked.push(self.hash(file, all_hashes));
            }
            hashes.extend(join_all(asked).await);
        }
        let mut events = Vec::with_capacity(2 * page.len());
        for (file, h1) in page.iter().zip(hashes) {
            let target = &file.key.target;
            events.push(IndexEvent::Stored(Stored {
                target: target.clone(),
                kind: index_file(file.key.kind),
                size: file.len,
                h1: h1?,
                origin: None,
                verified_by: None,
                found: Some(file.modified.into()),
            }));
            // Where the medium knows when a file was read, an index that begins anew knows it too.
            if file.used > file.modified {
                events.push(IndexEvent::Used {
                    target: target.clone(),
                    at: file.used.into(),
                });
            }
        }
        self.missing(page, &mut events).await?;
        self.index.record(&events).await?;
        Ok(())
    }

    /// Adds the files that the index knows of these versions and that are not stored.
    async fn missing(&self, page: &[StoredFile], events: &mut Vec<IndexEvent>) -> Result<(), ReindexError> {
        for files in page.chunk_by(|one, next| one.key.target == next.key.target) {
            let target = &files[0].key.target;
            if files.len() == MOST_TOGETHER {
                continue;
            }
            let Some(entry) = self.index.get(target).await? else {
                continue;
            };
            for kind in FileKind::ALL {
                let is_listed = files.iter().any(|file| file.key.kind == kind);
                let key = FileKey::new(target.clone(), kind);
                // It may have come after its place in the listing was passed.
                if !is_listed
                    && entry.size(index_file(kind)).is_some()
                    && self.storage.open(&key).await?.is_none()
                {
                    events.push(IndexEvent::Removed {
                        target: target.clone(),
                        kind: index_file(kind),
                    });
                }
            }
        }
        Ok(())
    }

    /// The hash that was recorded with a zip, if the index does not have it.
    async fn hash(&self, file: &StoredFile, all_hashes: bool) -> Result<Option<H1>, IndexError> {
        let is_here = all_hashes || self.storage.location(&file.key).is_some();
        if file.key.kind != FileKind::Zip || !is_here {
            return Ok(None);
        }
        let known = self.index.get(&file.key.target).await?;
        if known.is_some_and(|entry| entry.zip == Some(file.len) && entry.zip_h1.is_some()) {
            return Ok(None);
        }
        // Without its hash it is still a file that is there.
        Ok(self.storage.h1(&file.key.target).await.ok().flatten())
    }
}
