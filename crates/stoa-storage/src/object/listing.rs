//! Finding what is stored.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::ObjectMeta;
use object_store::path::Path;
use stoa_module::{ModulePath, Version};

use super::shelf::Shelf;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

impl Shelf {
    pub(super) async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        let prefix = self.keys.versions(module)?;
        let mut listed = self.store.list(Some(&prefix));
        let mut found: BTreeMap<Version, StoredVersion> = BTreeMap::new();
        while let Some(object) = self.next(&prefix, &mut listed).await? {
            if let Some(FileKey { target, kind }) = self.keys.parse(&object.location) {
                let version = target.version().clone();
                found
                    .entry(version.clone())
                    .or_insert_with(|| StoredVersion::new(version))
                    .add(kind);
            }
        }
        Ok(found.into_values().collect())
    }

    pub(super) async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        let after = after.map(|after| self.keys.after_module(after)).transpose()?;
        let mut found: Vec<ModulePath> = Vec::new();
        self.walk(after, limit, |key, _| {
            if found.last() != Some(key.target.path()) {
                found.push(key.target.path().clone());
            }
            found.len()
        })
        .await?;
        found.truncate(limit);
        Ok(found)
    }

    pub(super) async fn files(
        &self,
        after: Option<&FileKey>,
        limit: usize,
    ) -> Result<Vec<StoredFile>, StorageError> {
        let after = after.map(|after| self.keys.file(after)).transpose()?;
        let mut found = Vec::new();
        self.walk(after, limit, |key, object| {
            found.push(StoredFile {
                key,
                len: object.size,
                modified: object.last_modified.into(),
                used: object.last_modified.into(),
            });
            found.len()
        })
        .await?;
        Ok(found)
    }

    /// Visits the files that come after `after`, until `visit` says that it has `limit`.
    async fn walk(
        &self,
        after: Option<Path>,
        limit: usize,
        mut visit: impl FnMut(FileKey, &ObjectMeta) -> usize,
    ) -> Result<(), StorageError> {
        if limit == 0 {
            return Ok(());
        }
        let root = self.keys.root();
        let mut listed = match &after {
            Some(after) => self.store.list_with_offset(root.as_ref(), after),
            None => self.store.list(root.as_ref()),
        };
        let root = root.unwrap_or_default();
        while let Some(object) = self.next(&root, &mut listed).await? {
            // Not every service heeds where a listing is to begin.
            let is_ahead = after
                .as_ref()
                .is_none_or(|after| object.location.as_ref() > after.as_ref());
            if let Some(key) = self.keys.parse(&object.location).filter(|_| is_ahead)
                && visit(key, &object) >= limit
            {
                break;
            }
        }
        Ok(())
    }

    async fn next(
        &self,
        prefix: &Path,
        listed: &mut BoxStream<'static, object_store::Result<ObjectMeta>>,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        let next = listed.next().await.transpose();
        next.map_err(|error| self.failure("list", prefix, &error))
    }
}
