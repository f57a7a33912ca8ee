//! Which file is where.

use std::path::{Path, PathBuf};

use stoa_module::{ModulePath, ModuleVersion};

/// The directory with stoa's own things, below the root. No module path can name it.
pub(crate) const OWN: &str = ".stoa";

use crate::key::{FileKey, VERSIONS};
use crate::record_name::RecordName;
use crate::stage_key::StageKey;

/// Paths below one root.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
    tmp: PathBuf,
    quarantine: PathBuf,
    lock: PathBuf,
    records_lock: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        let private = root.join(OWN);
        let (tmp, quarantine) = (private.join("tmp"), private.join("quarantine"));
        Self {
            root,
            tmp,
            quarantine,
            lock: private.join("lock"),
            records_lock: private.join("records.lock"),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where files are written before they are published.
    pub(super) fn tmp(&self) -> &Path {
        &self.tmp
    }

    /// Where damaged files go.
    pub(super) fn quarantine(&self) -> &Path {
        &self.quarantine
    }

    /// Where a file goes whose content was refused, so that it was never published.
    pub(super) fn rejected(&self, key: &StageKey) -> PathBuf {
        self.quarantine.join("rejected").join(key.to_string())
    }

    /// What publishers of zips and quarantine lock against each other.
    pub(super) fn lock(&self) -> &Path {
        &self.lock
    }

    /// What writers of records lock against each other.
    pub(super) fn records_lock(&self) -> &Path {
        &self.records_lock
    }

    pub(super) fn file(&self, key: &FileKey) -> PathBuf {
        self.root.join(key.to_string())
    }

    /// Where a file is published that arrives piece by piece.
    pub(super) fn staged(&self, key: &StageKey) -> PathBuf {
        self.root.join(key.to_string())
    }

    /// Where the hash of a version's zip is recorded.
    pub(super) fn hash(&self, target: &ModuleVersion) -> PathBuf {
        let (module, version) = (target.path().escaped(), target.version().escaped());
        self.root.join(format!("{module}/{VERSIONS}/{version}.ziphash"))
    }

    pub(super) fn record(&self, name: &RecordName) -> PathBuf {
        self.root.join(name.as_str())
    }

    pub(super) fn versions(&self, module: &ModulePath) -> PathBuf {
        self.root.join(format!("{}/{VERSIONS}", module.escaped()))
    }
}
