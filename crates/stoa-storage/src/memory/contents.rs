//! What a memory storage holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, Version};

use crate::etag::ETag;
use crate::key::{FileKey, FileKind};
use crate::put::Put;
use crate::record_name::RecordName;
use crate::stored_version::StoredVersion;

/// The stored files of every module, the records, and how many bytes count as used.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) used: u64,
    pub(super) records: BTreeMap<RecordName, Bytes>,
    modules: BTreeMap<ModulePath, BTreeMap<Version, BTreeMap<FileKind, Stored>>>,
}

/// A stored file.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) content: Bytes,
    pub(super) etag: ETag,
    pub(super) h1: Option<H1>,
}

impl Stored {
    pub(super) fn new(content: Bytes, h1: Option<H1>) -> Self {
        let etag = match &h1 {
            Some(h1) => ETag::of_zip(h1, content.len() as u64),
            None => ETag::of_content(&content),
        };
        Self { content, etag, h1 }
    }
}

impl Contents {
    pub(super) fn get(&self, key: &FileKey) -> Option<&Stored> {
        self.modules
            .get(key.target.path())?
            .get(key.target.version())?
            .get(&key.kind)
    }

    /// Adds a file, whose bytes are counted already, unless there is one. The same zip without a hash gets it.
    pub(super) fn add(&mut self, key: &FileKey, stored: Stored) -> Put {
        let (module, version) = key.target.clone().into_parts();
        let files = self
            .modules
            .entry(module)
            .or_default()
            .entry(version)
            .or_default();
        match files.get_mut(&key.kind) {
            None => {
                files.insert(key.kind, stored);
                Put::Stored
            }
            Some(older) => {
                if older.h1.is_none() && stored.h1.is_some() && older.content == stored.content {
                    (older.h1, older.etag) = (stored.h1, stored.etag);
                }
                Put::Existed
            }
        }
    }

    /// Removes a file, and says whether there was one. No empty shells of versions and modules remain.
    pub(super) fn remove(&mut self, key: &FileKey) -> bool {
        let (module, version) = (key.target.path(), key.target.version());
        let Some(versions) = self.modules.get_mut(module) else {
            return false;
        };
        let Some(files) = versions.get_mut(version) else {
            return false;
        };
        let removed = files.remove(&key.kind);
        if files.is_empty() {
            versions.remove(version);
        }
        if versions.is_empty() {
            self.modules.remove(module);
        }
        self.used -= removed.as_ref().map_or(0, |stored| stored.content.len() as u64);
        removed.is_some()
    }

    pub(super) fn versions(&self, module: &ModulePath) -> Vec<StoredVersion> {
        let versions = self.modules.get(module).into_iter().flatten();
        let describe = |(version, files): (&Version, &BTreeMap<FileKind, Stored>)| {
            let mut stored = StoredVersion::new(version.clone());
            for kind in files.keys() {
                stored.add(*kind);
            }
            stored
        };
        versions.map(describe).collect()
    }

    pub(super) fn modules(&self, after: Bound<&ModulePath>, limit: usize) -> Vec<ModulePath> {
        self.modules
            .range::<ModulePath, _>((after, Bound::Unbounded))
            .take(limit)
            .map(|(module, _)| module.clone())
            .collect()
    }
}
