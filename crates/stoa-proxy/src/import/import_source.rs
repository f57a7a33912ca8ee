//! The port to what is taken over.

use std::fmt;

use async_trait::async_trait;
use stoa_fetch::{FetchError, Fetched};
use stoa_module::ModuleVersion;
use stoa_storage::{FileKey, FileKind, StorageError};

/// What another proxy has kept, read and never written.
#[async_trait]
pub trait ImportSource: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The versions that follow the page that ended with `after`, in an order of the source's own. A version is on one page
    /// with all its files.
    async fn page(&self, after: Option<&str>) -> Result<ImportPage, ImportError>;

    /// Opens a file of a page.
    async fn open(&self, target: &ModuleVersion, file: &ImportFile) -> Result<Fetched, FetchError>;
}

/// Some versions.
#[derive(Clone, Debug, Default)]
pub struct ImportPage {
    /// The versions.
    pub versions: Vec<ImportVersion>,
    /// What is there beside, and is no file of a module, as far as that is worth a word.
    pub others: Vec<String>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// A version with its files.
#[derive(Clone, Debug)]
pub struct ImportVersion {
    /// The version.
    pub target: ModuleVersion,
    /// Its files, each kind once.
    pub files: Vec<ImportFile>,
}

/// A file of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// Which.
    pub kind: FileKind,
    /// Where it is, as the source calls it.
    pub place: String,
    /// How many bytes it has, if the source says so beforehand.
    pub len: Option<u64>,
}

/// Why a source cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    /// It does not answer, or not as it should.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is a storage that cannot be used.
    #[error("{}", .0.report())]
    Storage(#[from] StorageError),
    /// It cannot be read here.
    #[error("{0}")]
    Other(String),
}

impl ImportPage {
    /// Adds a file, to the last version if it is one of it.
    pub(super) fn add(&mut self, key: FileKey, place: String, len: Option<u64>) {
        let kind = key.kind;
        let file = ImportFile { kind, place, len };
        match self.versions.last_mut().filter(|last| last.target == key.target) {
            Some(last) if last.files.iter().all(|known| known.kind != kind) => last.files.push(file),
            // The same file under two names: the first one is it.
            Some(_) => self.others.push(file.place),
            None => self.versions.push(ImportVersion {
                target: key.target,
                files: vec![file],
            }),
        }
    }
}
