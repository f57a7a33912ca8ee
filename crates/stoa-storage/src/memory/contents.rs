//! What a memory storage holds.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion, Version};

use crate::etag::ETag;
use crate::key::{FileKey, FileKind, module_place};
use crate::put::Put;
use crate::record_name::RecordName;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// The stored files of every module, the records, and how many bytes count as used.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) used: u64,
    pub(super) records: BTreeMap<RecordName, Bytes>,
    artifacts: BTreeMap<RecordName, Stored>,
    /// By the place of a module.
    modules: BTreeMap<String, Versions>,
}

/// The files of a module, by version.
#[derive(Debug)]
struct Versions {
    module: ModulePath,
    versions: BTreeMap<Version, BTreeMap<FileKind, Stored>>,
}

/// A stored file.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) content: Bytes,
    pub(super) etag: ETag,
    pub(super) h1: Option<H1>,
    modified: SystemTime,
}

impl Stored {
    pub(super) fn new(content: Bytes, h1: Option<H1>) -> Self {
        let etag = match &h1 {
            Some(h1) => ETag::of_zip(h1, content.len() as u64),
            None => ETag::of_content(&content),
        };
        let modified = SystemTime::now();
        Self {
            content,
            etag,
            h1,
            modified,
        }
    }
}

impl Contents {
    pub(super) fn get(&self, key: &FileKey) -> Option<&Stored> {
        self.modules
            .get(&module_place(key.target.path()))?
            .versions
            .get(key.target.version())?
            .get(&key.kind)
    }

    /// Adds a file, whose bytes are counted already, unless there is one. The same zip without a hash gets it.
    pub(super) fn add(&mut self, key: &FileKey, stored: Stored) -> Put {
        let (module, version) = key.target.clone().into_parts();
        let of_module = self
            .modules
            .entry(module_place(&module))
            .or_insert_with(|| Versions {
                module,
                versions: BTreeMap::new(),
            });
        let files = of_module.versions.entry(version).or_default();
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
        let (place, version) = (module_place(key.target.path()), key.target.version());
        let Some(Versions { versions, .. }) = self.modules.get_mut(&place) else {
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
            self.modules.remove(&place);
        }
        self.used -= removed.as_ref().map_or(0, |stored| stored.content.len() as u64);
        removed.is_some()
    }

    pub(super) fn artifact(&self, name: &RecordName) -> Option<&Stored> {
        self.artifacts.get(name)
    }

    /// Adds an artifact, whose bytes are counted already, unless there is one.
    pub(super) fn add_artifact(&mut self, name: &RecordName, stored: Stored) -> Put {
        if self.artifacts.contains_key(name) {
            return Put::Existed;
        }
        self.artifacts.insert(name.clone(), stored);
        Put::Stored
    }

    /// Removes an artifact, and says whether there was one.
    pub(super) fn remove_artifact(&mut self, name: &RecordName) -> bool {
        let removed = self.artifacts.remove(name);
        self.used -= removed.as_ref().map_or(0, |stored| stored.content.len() as u64);
        removed.is_some()
    }

    pub(super) fn versions(&self, module: &ModulePath) -> Vec<StoredVersion> {
        let of_module = self.modules.get(&module_place(module));
        let versions = of_module.into_iter().flat_map(|of_module| &of_module.versions);
        let describe = |(version, files): (&Version, &BTreeMap<FileKind, Stored>)| {
            let mut stored = StoredVersion::new(version.clone());
            for kind in files.keys() {
                stored.add(*kind);
            }
            stored
        };
        versions.map(describe).collect()
    }

    pub(super) fn modules(&self, after: Option<&ModulePath>, limit: usize) -> Vec<ModulePath> {
        let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded(module_place(after)));
        self.modules
            .range((after, Bound::Unbounded))
            .take(limit)
            .map(|(_, of_module)| of_module.module.clone())
            .collect()
    }

    pub(super) fn files(&self, after: Option<&FileKey>, limit: usize) -> Vec<StoredFile> {
        let first = after.map_or(Bound::Unbounded, |after| {
            Bound::Included(module_place(after.target.path()))
        });
        let after = after.map(FileKey::to_string);
        let mut found = Vec::new();
        for of_module in self.modules.range((first, Bound::Unbounded)).map(|(_, of)| of) {
            if found.len() >= limit {
                break;
            }
            let mut files = of_module.files();
            files.retain(|(text, _)| after.as_ref().is_none_or(|after| text > after));
            files.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            found.extend(files.into_iter().map(|(_, file)| file).take(limit - found.len()));
        }
        found
    }
}

impl Versions {
    /// Each file with the text of its key.
    fn files(&self) -> Vec<(String, StoredFile)> {
        let all = self.versions.iter().flat_map(|(version, files)| {
            let target = ModuleVersion::new(self.module.clone(), version.clone()).ok();
            files.iter().filter_map(move |(kind, stored)| {
                let key = FileKey::new(target.clone()?, *kind);
                let text = key.to_string();
                let file = StoredFile {
                    key,
                    len: stored.content.len() as u64,
                    modified: stored.modified,
                    used: stored.modified,
                };
                Some((text, file))
            })
        });
        all.collect()
    }
}
