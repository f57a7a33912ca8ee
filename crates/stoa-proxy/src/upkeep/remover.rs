//! Removes versions.

use std::{collections::HashSet, sync::Arc};

use stoa_module::{ModulePath, ModuleVersion, PatternList};
use stoa_storage::{FileKey, FileKind, Storage, StorageError};

use super::removals::Removals;
use crate::{IndexNotes, Refreshes};

/// Removes versions from the storage of this node, and from all that remembers them: memory, lists, the index.
///
/// Whoever reads a file goes on reading it.
#[derive(Clone, Debug)]
pub struct Remover {
    storage: Arc<dyn Storage>,
    notes: IndexNotes,
    removals: Arc<Removals>,
    refreshes: Arc<Refreshes>,
}

/// What was there of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files, in their order.
    pub files: Vec<FileKey>,
}

impl Remover {
    /// Removes from `storage`, and has the others forget.
    pub fn new(
        storage: Arc<dyn Storage>,
        notes: IndexNotes,
        removals: Arc<Removals>,
        refreshes: Arc<Refreshes>,
    ) -> Self {
        Self {
            storage,
            notes,
            removals,
            refreshes,
        }
    }

    /// The stored versions of a module.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn versions(&self, module: &ModulePath) -> Result<Vec<ModuleVersion>, StorageError> {
        let stored = self.storage.versions(module).await?;
        let target =
            |stored: stoa_storage::StoredVersion| ModuleVersion::new(module.clone(), stored.version).ok();
        Ok(stored.into_iter().filter_map(target).collect())
    }

    /// Removes these versions. What fails halfway can be begun again.
    ///
    /// # Errors
    /// Those of the storage; what was removed until then is forgotten all the same.
    pub async fn remove(&self, targets: &[ModuleVersion]) -> Result<Removed, StorageError> {
        let mut removed = Removed::default();
        let mut result = Ok(());
        'all: for target in targets {
            // The zip first: it is what takes room, and without it a version is still answered as one that has to be fetched.
            for kind in [FileKind::Zip, FileKind::Mod, FileKind::Info] {
                let key = FileKey::new(target.clone(), kind);
                match self.storage.remove(&key).await {
                    Ok(was_there) => {
                        // Also if it was not there: the index may say that it is.
                        self.notes.removed(&key);
                        removed.files.extend(was_there.then_some(key));
                    }
                    Err(error) => {
                        result = Err(error);
                        break 'all;
                    }
                }
            }
        }
        self.forget(targets);
        result.map(|()| removed)
    }

    /// Forgets these versions, which another node has removed.
    pub fn forget(&self, targets: &[ModuleVersion]) {
        self.removals.removed(&targets.iter().cloned().collect());
        let modules: HashSet<_> = targets.iter().map(|target| target.path().as_str()).collect();
        for module in modules {
            self.refreshes.heard(PatternList::parse(module));
        }
    }
}
