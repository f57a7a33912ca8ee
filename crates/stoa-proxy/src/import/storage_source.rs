//! A storage as a source.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_fetch::{FetchError, Fetched, SourceName};
use stoa_module::ModuleVersion;
use stoa_storage::{FileKey, Storage};

use super::{
    import_source::{ImportError, ImportFile, ImportPage, ImportSource},
    tree_source::fetched,
};

/// Files of a storage that are looked at at a time.
const PAGE: usize = 1_000;

/// What a storage keeps.
#[derive(Clone, Debug)]
pub struct StorageSource {
    storage: Arc<dyn Storage>,
    /// Whether stoa itself has checked what is in it.
    is_own: bool,
}

impl StorageSource {
    /// What `storage` keeps.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            is_own: false,
        }
    }

    /// The same of a storage of stoa's own: its small files passed the checks when they came, some of them as those of a
    /// repository.
    pub fn own(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            is_own: true,
        }
    }
}

impl fmt::Display for StorageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.storage.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ImportSource for StorageSource {
    async fn page(&self, after: Option<&str>) -> Result<ImportPage, ImportError> {
        let after = after.map(|after| {
            FileKey::parse(after)
                .ok_or_else(|| ImportError::Other(format!("{after:?} is no place of a page")))
        });
        let mut files = self.storage.files(after.transpose()?.as_ref(), PAGE).await?;
        let is_last = files.len() < PAGE;
        if !is_last && let Some(last) = files.last().map(|file| file.key.target.clone()) {
            // The rest of the last version may be on the next page, and then all of it is.
            let whole = files.iter().position(|file| file.key.target == last).unwrap_or(0);
            if whole > 0 {
                files.truncate(whole);
            }
        }
        let mut page = ImportPage {
            next: files.last().filter(|_| !is_last).map(|file| file.key.to_string()),
            ..ImportPage::default()
        };
        for file in files {
            let place = file.key.to_string();
            page.add(file.key, place, Some(file.len));
        }
        Ok(page)
    }

    async fn open(&self, target: &ModuleVersion, file: &ImportFile) -> Result<Fetched, FetchError> {
        let key = FileKey::new(target.clone(), file.kind);
        let opened = self.storage.open(&key).await;
        let mut fetched = fetched(SourceName::new(self.to_string()), opened)?;
        fetched.of_repository = self.is_own;
        Ok(fetched)
    }
}
