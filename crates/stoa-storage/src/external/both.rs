//! The two places: here, where files wait for the others of their version, and there, where whole versions are.

use std::path::PathBuf;
use std::sync::Arc;

use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use super::answer::nonsense;
use super::names;
use super::reader::RemoteFile;
use super::remote::Remote;
use super::saved::Saved;
use super::turns::Turns;
use crate::blob::{Blob, SMALL_FILE};
use crate::error::StorageError;
use crate::etag::ETag;
use crate::key::{FileKey, FileKind};
use crate::records::Records;
use crate::stage::ReadAt as _;
use crate::storage::Storage;

/// The most bytes of a file whose length the remote does not tell: what the go command takes as a go.mod.
const MAX_UNTOLD: usize = 16 << 20;

/// The local storage, the remote, and the turns of those who change a version.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) local: Arc<dyn Storage>,
    pub(super) remote: Arc<Remote>,
    pub(super) turns: Arc<Turns>,
}

impl Both {
    pub(super) fn records(&self) -> Arc<dyn Records> {
        self.local.records()
    }

    /// The file, from wherever it is.
    pub(super) async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        if let Some(blob) = self.local.open(key).await? {
            return Ok(Some(blob));
        }
        if let Some(blob) = self.open_remote(key).await? {
            return Ok(Some(blob));
        }
        // It may have come back from there meanwhile, because another file of its version was quarantined.
        self.local.open(key).await
    }

    /// The file as the remote has it. Small ones are read at once.
    pub(super) async fn open_remote(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let Some(fetched) = self.remote.file(key, 0, None).await? else {
            return Ok(None);
        };
        let url = self.remote.place(&names::of_file(key));
        let path = PathBuf::from(&url);
        let Some(len) = fetched.len else {
            if key.kind == FileKind::Zip {
                let reason = "it does not say how long the zip is: it must send a Content-Length";
                return Err(nonsense("read", &url, reason));
            }
            let content = fetched.body.bytes(MAX_UNTOLD).await;
            let content = content.map_err(|error| super::answer::away("read", &url, error))?;
            let content = content
                .ok_or_else(|| StorageError::too_large(&path, MAX_UNTOLD as u64 + 1, MAX_UNTOLD as u64))?;
            let etag = ETag::of_content(&content);
            return Ok(Some(Blob::from_bytes(path, content, etag)));
        };
        let h1 = match key.kind {
            FileKind::Zip => self.remembered_h1(&key.target, len).await?,
            _ => None,
        };
        let told = format!("{key} {:?}", fetched.identity);
        let file = RemoteFile::new(Arc::clone(&self.remote), key.clone(), len, fetched);
        if len > SMALL_FILE {
            let etag = h1.map_or_else(|| ETag::of_content(told.as_bytes()), |h1| ETag::of_zip(&h1, len));
            return Ok(Some(Blob::from_reader(path, Arc::new(file), len, etag)));
        }
        let content = file.read_at(0, usize::MAX).await;
        let content = content.map_err(|error| {
            StorageError::remote(crate::remote_fault::RemoteFault::Away, "read", &url, error)
        })?;
        let etag = h1.map_or_else(|| ETag::of_content(&content), |h1| ETag::of_zip(&h1, len));
        Ok(Some(Blob::from_bytes(path, content, etag)))
    }

    /// Whether the file is in one of the places.
    pub(super) async fn has(&self, key: &FileKey) -> Result<bool, StorageError> {
        Ok(self.local.open(key).await?.is_some() || self.remote.has(key).await?)
    }

    /// The hash of the zip, wherever that is.
    pub(super) async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let zip = FileKey::new(target.clone(), FileKind::Zip);
        if let Some(h1) = self.local.h1(target).await? {
            return Ok(Some(h1));
        }
        if self.local.open(&zip).await?.is_some() {
            return Ok(None);
        }
        if Saved::read(&self.records(), target)
            .await?
            .is_none_or(|saved| saved.h1.is_none())
        {
            return Ok(None);
        }
        match self
            .remote
            .file(&zip, 0, None)
            .await?
            .and_then(|fetched| fetched.len)
        {
            Some(len) => self.remembered_h1(target, len).await,
            // It has come back meanwhile, or is gone.
            None => self.local.h1(target).await,
        }
    }

    /// The hash that was saved with a zip of this length.
    async fn remembered_h1(&self, target: &ModuleVersion, len: u64) -> Result<Option<H1>, StorageError> {
        let saved = Saved::read(&self.records(), target).await?;
        let saved = saved.filter(|saved| saved.len(FileKind::Zip) == len);
        Ok(saved.and_then(|saved| saved.h1))
    }

    /// The three files of a version, if all of them wait here.
    pub(super) async fn complete(&self, target: &ModuleVersion) -> Result<Option<[Blob; 3]>, StorageError> {
        let open = async |kind| self.local.open(&FileKey::new(target.clone(), kind)).await;
        // What is missing most often first.
        let Some(zip) = open(FileKind::Zip).await? else {
            return Ok(None);
        };
        let (Some(info), Some(go_mod)) = (open(FileKind::Info).await?, open(FileKind::Mod).await?) else {
            return Ok(None);
        };
        Ok(Some([info, go_mod, zip]))
    }

    /// Removes what waits here of a version. The zip goes last: what a crash leaves of this has one.
    pub(super) async fn remove(&self, target: &ModuleVersion) -> Result<(), StorageError> {
        for kind in FileKind::ALL {
            self.local.remove(&FileKey::new(target.clone(), kind)).await?;
        }
        Ok(())
    }
}
