//! Every stored file, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::StorageError;
use crate::key::FileKey;
use crate::storage::Storage;
use crate::stored_file::StoredFile;

/// Files are listed by so many at a time.
const PAGE: usize = 1000;

/// A walk through the files of a storage, in the order of [`Storage::files`]. What is stored or removed meanwhile may be met
/// or not. It holds one page of the listing.
#[derive(Debug)]
pub struct FileWalk {
    storage: Arc<dyn Storage>,
    after: Option<FileKey>,
    page: VecDeque<StoredFile>,
    is_last_page: bool,
}

impl FileWalk {
    /// From the first file on that comes after `after`.
    pub fn new(storage: Arc<dyn Storage>, after: Option<FileKey>) -> Self {
        Self {
            storage,
            after,
            page: VecDeque::new(),
            is_last_page: false,
        }
    }

    /// The next file; `None` after the last.
    ///
    /// # Errors
    /// When the storage cannot be listed. The walk may be gone on with.
    pub async fn next(&mut self) -> Result<Option<StoredFile>, StorageError> {
        if self.page.is_empty() && !self.is_last_page {
            let page = self.storage.files(self.after.as_ref(), PAGE).await?;
            self.is_last_page = page.len() < PAGE;
            self.after = page.last().map(|file| file.key.clone());
            self.page = page.into();
        }
        Ok(self.page.pop_front())
    }
}
