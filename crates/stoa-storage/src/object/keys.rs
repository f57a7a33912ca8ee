//! Which object is what.

use std::path::PathBuf;

use object_store::path::Path;
use stoa_module::{ModulePath, ModuleVersion};

use crate::error::StorageError;
use crate::key::{FileKey, module_place};
use crate::object_place::ObjectPlace;
use crate::record_name::RecordName;
use crate::stage_key::StageKey;

/// What follows the last character that a name of a module's file can have, in the order of a bucket.
const LAST: char = '\u{7e}';

/// The keys of one bucket below one prefix.
#[derive(Debug)]
pub(super) struct Keys {
    base: String,
    /// Empty, or ends in a slash.
    prefix: String,
}

impl Keys {
    pub(super) fn new(place: &ObjectPlace) -> Self {
        let prefix = match place.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Self {
            base: place.base(),
            prefix,
        }
    }

    /// The URL of the storage.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn file(&self, key: &FileKey) -> Result<Path, StorageError> {
        self.path(&key.to_string())
    }

    /// Where a file is published that arrives piece by piece.
    pub(super) fn staged(&self, key: &StageKey) -> Result<Path, StorageError> {
        self.path(&key.to_string())
    }

    /// Where a hash is that did not come with its zip.
    pub(super) fn hash(&self, target: &ModuleVersion) -> Result<Path, StorageError> {
        let (place, version) = (module_place(target.path()), target.version().escaped());
        self.path(&format!("{place}{version}.ziphash"))
    }

    pub(super) fn record(&self, name: &RecordName) -> Result<Path, StorageError> {
        self.path(name.as_str())
    }

    /// Where what was taken out of service is kept for a look.
    pub(super) fn quarantined(&self, key: &FileKey) -> Result<Path, StorageError> {
        self.path(&format!(".stoa/quarantine/{key}"))
    }

    /// Where what was refused on arrival is kept for a look.
    pub(super) fn rejected(&self, key: &StageKey) -> Result<Path, StorageError> {
        self.path(&format!(".stoa/quarantine/rejected/{key}"))
    }

    /// Where something is written to see whether it can be.
    pub(super) fn probe(&self, name: &str) -> Result<Path, StorageError> {
        self.path(&format!(".stoa/probe/{name}"))
    }

    /// What every key begins with; `None` for nothing.
    pub(super) fn root(&self) -> Option<Path> {
        Path::parse(&self.prefix)
            .ok()
            .filter(|root| !root.as_ref().is_empty())
    }

    /// What the keys of a module's files begin with.
    pub(super) fn versions(&self, module: &ModulePath) -> Result<Path, StorageError> {
        self.path(&module_place(module))
    }

    /// A key after all files of `module` and before those of the module that follows.
    pub(super) fn after_module(&self, module: &ModulePath) -> Result<Path, StorageError> {
        self.path(&format!("{}{LAST}", module_place(module)))
    }

    /// An object by what follows the prefix in its name.
    pub(super) fn raw(&self, name: &str) -> Result<Path, StorageError> {
        self.path(name)
    }

    /// What follows the prefix in the name of an object.
    pub(super) fn name<'a>(&self, path: &'a Path) -> Option<&'a str> {
        path.as_ref().strip_prefix(&self.prefix)
    }

    /// The file that the object is; `None` for what is no module's file.
    pub(super) fn parse(&self, path: &Path) -> Option<FileKey> {
        FileKey::parse(path.as_ref().strip_prefix(&self.prefix)?)
    }

    /// What errors call an object.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        let key = path.as_ref();
        let key = key.strip_prefix(&self.prefix).unwrap_or(key);
        PathBuf::from(format!("{}{key}", self.base))
    }

    fn path(&self, text: &str) -> Result<Path, StorageError> {
        let key = format!("{}{text}", self.prefix);
        // S3, Google and Azure allow keys of 1024 bytes.
        let parsed = Path::parse(&key).ok().filter(|_| key.len() <= 1024);
        parsed.ok_or_else(|| {
            let place = PathBuf::from(format!("{}{text}", self.base));
            let error = std::io::Error::from(std::io::ErrorKind::InvalidFilename);
            StorageError::from_io("name", &place, error)
        })
    }
}
