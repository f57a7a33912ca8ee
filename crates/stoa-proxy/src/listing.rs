//! Version lists as they are served: what a source says and what is stored, put together.

use std::sync::Arc;

use bytes::Bytes;
use stoa_cache::Offload;
use stoa_module::ModulePath;
use stoa_storage::{Storage, StoredVersion};

use crate::{ProxyError, VersionList};

/// A version and its line's end have at least so many bytes.
const SHORTEST_LINE: usize = 7;

/// Puts lists together. Long ones are read and sorted off the threads that answer, a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    storage: Arc<dyn Storage>,
    offload: Offload,
}

impl Listing {
    /// Adds what is in `storage`.
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            offload: Offload::default(),
        }
    }

    /// The list of a source, with what is stored.
    pub(crate) async fn with_stored(&self, path: &ModulePath, told: Bytes) -> Result<Bytes, ProxyError> {
        let stored = self.storage.versions(path).await?;
        Ok(self.put_together(path, told, stored).await)
    }

    /// The list of what is stored; `None` if nothing is.
    pub(crate) async fn stored(&self, path: &ModulePath) -> Result<Option<Bytes>, ProxyError> {
        let stored = self.storage.versions(path).await?;
        if stored.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.put_together(path, Bytes::new(), stored).await))
    }

    /// Where what takes long is done.
    pub(crate) fn offload(&self) -> &Offload {
        &self.offload
    }

    async fn put_together(&self, path: &ModulePath, told: Bytes, stored: Vec<StoredVersion>) -> Bytes {
        let (path, things) = (path.clone(), told.len() / SHORTEST_LINE + stored.len());
        let work = move || {
            let mut list = VersionList::parse(&path, &told);
            list.add_stored(&path, &stored);
            list.to_bytes()
        };
        self.offload.run(things, work).await
    }
}
