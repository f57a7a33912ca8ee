//! Records in a bucket.

use std::io;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectMeta, ObjectStoreExt as _, PutMode, PutOptions};

use super::conditions::Update;
use super::shelf::{Shelf, create};
use crate::error::StorageError;
use crate::record_name::RecordName;
use crate::records;

/// How often a record is written under a condition before that is given up.
const WRITES: u32 = 100;

impl Shelf {
    pub(super) async fn read_record(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        Ok(self.record(name).await?.map(|(content, _)| content))
    }

    /// The content, and what the bucket says of its object.
    async fn record(&self, name: &RecordName) -> Result<Option<(Bytes, ObjectMeta)>, StorageError> {
        let path = self.keys.record(name)?;
        let Some(found) = self.get(&path, GetOptions::default()).await? else {
            return Ok(None);
        };
        records::check_len(|| self.keys.place(&path), found.meta.size)?;
        let meta = found.meta.clone();
        Ok(Some((self.whole(&path, found).await?, meta)))
    }

    pub(super) async fn write_record(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        let path = self.keys.record(name)?;
        records::check_len(|| self.keys.place(&path), content.len() as u64)?;
        if self.conditions().await?.update != Update::BareTag {
            let written = self.store.put(&path, content.into()).await;
            return written
                .map(drop)
                .map_err(|error| self.failure("write", &path, &error));
        }
        // Ceph looks at a condition before it writes, and lets a write without one pass in between.
        for _ in 0..WRITES {
            let meta = match self.store.head(&path).await {
                Ok(meta) => Some(meta),
                Err(Error::NotFound { .. }) => None,
                Err(error) => return Err(self.failure("write", &path, &error)),
            };
            if self.replace(&path, meta.as_ref(), content.clone()).await? {
                return Ok(());
            }
        }
        let error = io::Error::other(format!("others wrote it {WRITES} times meanwhile"));
        Err(StorageError::from_io("write", &self.keys.place(&path), error))
    }

    /// Writes a record if it is still the one that `meta` tells of, and says whether it did.
    async fn replace(
        &self,
        path: &Path,
        meta: Option<&ObjectMeta>,
        content: Bytes,
    ) -> Result<bool, StorageError> {
        let conditions = self.conditions().await?;
        let options = match meta {
            None if conditions.create => create(),
            None => PutOptions::default(),
            Some(meta) => {
                let version = conditions
                    .update
                    .version(meta.e_tag.as_deref(), meta.version.as_deref());
                version.map_or_else(PutOptions::default, |version| PutMode::Update(version).into())
            }
        };
        match self.store.put_opts(path, content.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failure("write", path, &error)),
        }
    }

    pub(super) async fn swap_record(
        &self,
        name: &RecordName,
        old: Option<&[u8]>,
        new: Bytes,
    ) -> Result<bool, StorageError> {
        let path = self.keys.record(name)?;
        records::check_len(|| self.keys.place(&path), new.len() as u64)?;
        let conditions = self.conditions().await?;
        // Without conditions nothing but this process's own order keeps two swaps apart.
        let _alone = match (conditions.create, conditions.update) {
            (false, _) | (_, Update::Never) => self.swaps.acquire().await.ok(),
            _ => None,
        };
        match (self.record(name).await?, old) {
            (None, None) => self.replace(&path, None, new).await,
            (Some((content, meta)), Some(old)) if content == old => {
                self.replace(&path, Some(&meta), new).await
            }
            _ => Ok(false),
        }
    }
}
