//! Everything that is stored, module by module.

use std::{collections::VecDeque, sync::Arc};

use stoa_module::{ModulePath, ModuleVersion};
use stoa_storage::{Storage, StorageError, StoredVersion};

/// Modules are listed by so many at a time.
const PAGE: usize = 200;

/// A walk through a storage. What is stored meanwhile may or may not be met.
#[derive(Debug)]
pub(crate) struct Walk {
    storage: Arc<dyn Storage>,
    page: VecDeque<ModulePath>,
    last: Option<ModulePath>,
    is_last_page: bool,
}

impl Walk {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            page: VecDeque::new(),
            last: None,
            is_last_page: false,
        }
    }

    /// The versions of the next module; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(ModuleVersion, StoredVersion)>>, StorageError> {
        if self.page.is_empty() && !self.is_last_page {
            let page = self.storage.modules(self.last.as_ref(), PAGE).await?;
            self.is_last_page = page.len() < PAGE;
            self.last = page.last().cloned();
            self.page = page.into();
        }
        let Some(module) = self.page.pop_front() else {
            return Ok(None);
        };
        let versions = self.storage.versions(&module).await?;
        let versions = versions.into_iter().filter_map(|stored| {
            let target = ModuleVersion::new(module.clone(), stored.version.clone()).ok()?;
            Some((target, stored))
        });
        Ok(Some(versions.collect()))
    }
}
