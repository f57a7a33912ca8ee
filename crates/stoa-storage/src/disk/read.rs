//! Opening what is stored.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use super::lookup::{exists, open_file};
use super::tree::Tree;
use crate::blob::{Blob, SMALL_FILE};
use crate::error::StorageError;
use crate::etag::ETag;
use crate::key::{FileKey, FileKind};
use crate::pread::pread;
use crate::record_name::RecordName;

/// The most a hash record may have; it has some 50 bytes.
const MAX_HASH: usize = 256;

impl Tree {
    pub(super) fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        let path = self.layout.file(key);
        loop {
            let Some((file, metadata)) = open_file(&path)? else {
                return self.check_root().map(|()| None);
            };
            if key.kind != FileKind::Zip {
                return self.blob(path, file, &metadata, None).map(Some);
            }
            let h1 = match self.read_hash(&key.target) {
                // The zip may be sound: the caller decides whether to serve it without a hash to compare with.
                Err(StorageError::Damaged(_)) => None,
                h1 => h1?,
            };
            // A hash is there only as long as its zip is. If the zip was replaced meanwhile, look again.
            if h1.is_none() || is_still_at(&metadata, &path) {
                return self.blob(path, file, &metadata, h1.as_ref()).map(Some);
            }
        }
    }

    pub(super) fn open_artifact(&self, name: &RecordName) -> Result<Option<Blob>, StorageError> {
        let path = self.layout.record(name);
        let Some((file, metadata)) = open_file(&path)? else {
            return self.check_root().map(|()| None);
        };
        self.blob(path, file, &metadata, None).map(Some)
    }

    pub(super) fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let zip = FileKey::new(target.clone(), FileKind::Zip);
        if !exists(&self.layout.file(&zip))? {
            return self.check_root().map(|()| None);
        }
        self.read_hash(target)
    }

    fn read_hash(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        let path = self.layout.hash(target);
        let Some((file, _)) = open_file(&path)? else {
            return Ok(None);
        };
        let text = pread(&file, 0, MAX_HASH).map_err(|error| StorageError::from_io("read", &path, error))?;
        let parsed = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        match parsed {
            Some(h1) => Ok(Some(h1)),
            None => Err(StorageError::damaged(&path, "it holds no h1 hash")),
        }
    }

    /// Reads small files at once; keeps others open.
    fn blob(
        &self,
        path: PathBuf,
        file: File,
        metadata: &Metadata,
        h1: Option<&H1>,
    ) -> Result<Blob, StorageError> {
        let len = metadata.len();
        let tag = h1.map(|h1| ETag::of_zip(h1, len));
        if len > SMALL_FILE {
            let modified_ns =
                i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
            let tag = tag.unwrap_or_else(|| ETag::of_writing(modified_ns, metadata.ino(), len));
            let file = self.open_files.keep(path.clone(), Arc::new(file), metadata);
            let blob = Blob::from_reader(path, Arc::new(file), len, tag);
            return Ok(blob.with_h1(h1.copied()));
        }
        let read = usize::try_from(len)
            .map_err(std::io::Error::other)
            .and_then(|len| pread(&file, 0, len));
        let content = read.map_err(|error| StorageError::from_io("read", &path, error))?;
        if (content.len() as u64) < len {
            return Err(StorageError::damaged(
                &path,
                format!("it ends before its {len} bytes"),
            ));
        }
        let tag = tag.unwrap_or_else(|| ETag::of_content(&content));
        Ok(Blob::from_bytes(path, content, tag).with_h1(h1.copied()))
    }
}

fn is_still_at(metadata: &Metadata, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|now| (now.ino(), now.dev()) == (metadata.ino(), metadata.dev()))
}
