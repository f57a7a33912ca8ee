//! The modules of a mirror, one after the other.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use stoa_module::ModulePath;
use stoa_storage::{Storage, StorageError};

use super::mirror_spec::MirrorEntry;

/// Modules are read from a storage by so many at a time.
const PAGE: usize = 200;

/// Where a mirror stands: what comes next is the first module of an entry after another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    entry: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// Finds the modules of a mirror, from a cursor on.
#[derive(Debug)]
pub(super) struct MirrorModules {
    storage: Arc<dyn Storage>,
    entries: Vec<MirrorEntry>,
    entry: usize,
    after: Option<ModulePath>,
    page: VecDeque<ModulePath>,
    is_last_page: bool,
}

impl MirrorModules {
    pub(super) fn new(storage: Arc<dyn Storage>, entries: Vec<MirrorEntry>, cursor: &Cursor) -> Self {
        Self {
            storage,
            entries,
            entry: cursor.entry,
            after: cursor
                .after
                .as_deref()
                .and_then(|path| ModulePath::parse(path).ok()),
            page: VecDeque::new(),
            is_last_page: false,
        }
    }

    /// What comes after the last module that was returned.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor {
            entry: self.entry,
            after: self.after.as_ref().map(ToString::to_string),
        }
    }

    /// The next module; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<ModulePath>, StorageError> {
        loop {
            let patterns = match self.entries.get(self.entry) {
                None => return Ok(None),
                Some(MirrorEntry::Module(path)) => {
                    let path = path.clone();
                    self.next_entry();
                    return Ok(Some(path));
                }
                Some(MirrorEntry::Stored(patterns)) => patterns,
            };
            if self.page.is_empty() && !self.is_last_page {
                let page = self.storage.modules(self.after.as_ref(), PAGE).await?;
                self.is_last_page = page.len() < PAGE;
                self.page = page.into();
            }
            let Some(module) = self.page.pop_front() else {
                self.next_entry();
                continue;
            };
            let is_one = patterns.matches(module.as_str());
            self.after = Some(module.clone());
            if is_one {
                return Ok(Some(module));
            }
        }
    }

    fn next_entry(&mut self) {
        self.entry += 1;
        (self.after, self.is_last_page) = (None, false);
        self.page.clear();
    }
}
