//! The files of a bucket of another program.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt as _;
use object_store::path::Path;
use stoa_dispatch::Pool;

use super::options::ObjectOptions;
use super::shelf::Shelf;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::object_place::ObjectPlace;

/// All files below a prefix of a bucket, whatever they are called. They are only read.
#[derive(Clone, Debug)]
pub struct BucketFiles {
    shelf: Arc<Shelf>,
}

/// A file of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketFile {
    /// Its name below the prefix.
    pub name: String,
    /// In bytes.
    pub len: u64,
}

impl BucketFiles {
    /// Those at `place`; asks nothing yet.
    ///
    /// # Errors
    /// Those of [`ObjectStorage::new`](super::ObjectStorage::new).
    pub fn new(place: &ObjectPlace, options: &ObjectOptions, pool: Pool) -> Result<Self, StorageError> {
        let shelf = Arc::new(Shelf::new(place, options, pool)?);
        Ok(Self { shelf })
    }

    /// Up to `limit` files whose names come after `after`, in the order of their names, byte by byte.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<BucketFile>, StorageError> {
        let after = after.map(|after| self.shelf.keys.raw(after)).transpose()?;
        let root = self.shelf.keys.root();
        let mut listed = match &after {
            Some(after) => self.shelf.store.list_with_offset(root.as_ref(), after),
            None => self.shelf.store.list(root.as_ref()),
        };
        let place = root.unwrap_or_default();
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(object) = listed.next().await
        {
            let object = object.map_err(|error| self.shelf.failure("list", &place, &error))?;
            // Not every service heeds where a listing is to begin.
            let is_ahead = after
                .as_ref()
                .is_none_or(|after| object.location.as_ref() > after.as_ref());
            if let Some(name) = self.shelf.keys.name(&object.location).filter(|_| is_ahead) {
                found.push(BucketFile {
                    name: name.to_owned(),
                    len: object.size,
                });
            }
        }
        Ok(found)
    }

    /// The file of this name; `None` if there is none.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn open(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        let path: Path = self.shelf.keys.raw(name)?;
        self.shelf.open_at(path, false).await
    }
}

impl fmt::Display for BucketFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shelf.keys.base())
    }
}
