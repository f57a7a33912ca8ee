//! Opening what is stored.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{Attribute, Attributes, Error, GetOptions, GetResult};
use sha2::{Digest as _, Sha256};
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use super::failure::is_about_bucket;
use super::reader::ObjectReader;
use super::shelf::Shelf;
use crate::blob::{Blob, SMALL_FILE};
use crate::error::StorageError;
use crate::etag::ETag;
use crate::key::{FileKey, FileKind};
use crate::record_name::RecordName;

/// The name of the hash among the metadata of a zip.
pub(super) const H1_NAME: &str = "h1";
/// The most a `.ziphash` may have; it has some 50 bytes.
const MAX_HASH: usize = 256;

impl Shelf {
    pub(super) async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        self.open_at(self.keys.file(key)?, key.kind == FileKind::Zip)
            .await
    }

    pub(super) async fn open_artifact(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        self.open_at(self.keys.record(name)?, false).await
    }

    pub(super) async fn open_at(&self, path: Path, is_zip: bool) -> Result<Option<Blob>, StorageError> {
        let Some(found) = self.get(&path, GetOptions::default()).await? else {
            return Ok(None);
        };
        let (len, place) = (found.meta.size, self.keys.place(&path));
        let h1 = h1_in(&found.attributes).filter(|_| is_zip);
        let tag = h1.map(|h1| ETag::of_zip(&h1, len));
        if len <= SMALL_FILE {
            let content = self.whole(&path, found).await?;
            let tag = tag.unwrap_or_else(|| ETag::of_content(&content));
            return Ok(Some(Blob::from_bytes(place, content, tag).with_h1(h1)));
        }
        let version = found.meta.e_tag.clone();
        let written = found.meta.last_modified.timestamp_micros();
        let tag = tag.unwrap_or_else(|| {
            let tagged = format!("{written} {}", version.as_deref().unwrap_or_default());
            let digest = Sha256::digest(tagged.as_bytes());
            ETag::of_object(&URL_SAFE_NO_PAD.encode(&digest[..18]), len)
        });
        let reader = ObjectReader::new(Arc::clone(&self.store), path, version, found);
        Ok(Some(
            Blob::from_reader(place, Arc::new(reader), len, tag).with_h1(h1),
        ))
    }

    /// An object; `None` if there is none. That there is no bucket is an error.
    pub(super) async fn get(
        &self,
        path: &Path,
        options: GetOptions,
    ) -> Result<Option<GetResult>, StorageError> {
        match self.store.get_opts(path, options).await {
            Ok(found) => Ok(Some(found)),
            Err(error @ Error::NotFound { .. }) if !is_about_bucket(&error) => Ok(None),
            Err(error) => Err(self.failure("read", path, &error)),
        }
    }

    /// The content of an object that is known to be small.
    pub(super) async fn whole(&self, path: &Path, found: GetResult) -> Result<Bytes, StorageError> {
        let len = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
        let mut content = BytesMut::new();
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.failure("read", path, &error))?;
            if content.len() + piece.len() > len {
                break;
            }
            content.extend_from_slice(&piece);
        }
        if content.len() != len {
            let reason = format!("it does not have the {len} bytes that were announced");
            return Err(StorageError::damaged(&self.keys.place(path), reason));
        }
        Ok(content.freeze())
    }

    /// The hash of a stored zip: that of its metadata, or one that came later.
    pub(super) async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let zip = self.keys.file(&FileKey::new(target.clone(), FileKind::Zip))?;
        let head = GetOptions::new().with_head(true);
        let Some(found) = self.get(&zip, head).await? else {
            return Ok(None);
        };
        match h1_in(&found.attributes) {
            Some(h1) => Ok(Some(h1)),
            None => self.later_h1(target).await,
        }
    }

    /// The hash that was recorded beside a zip.
    pub(super) async fn later_h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let path = self.keys.hash(target)?;
        let Some(found) = self.get(&path, GetOptions::default()).await? else {
            return Ok(None);
        };
        let damaged = || StorageError::damaged(&self.keys.place(&path), "it holds no h1 hash");
        if found.meta.size > MAX_HASH as u64 {
            return Err(damaged());
        }
        let text = self.whole(&path, found).await?;
        let parsed = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        parsed.map(Some).ok_or_else(damaged)
    }
}

/// The hash among the metadata of an object.
pub(super) fn h1_in(attributes: &Attributes) -> Option<H1> {
    let name = Attribute::Metadata(H1_NAME.into());
    attributes.get(&name)?.as_ref().parse().ok()
}
