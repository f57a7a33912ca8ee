//! A tree of files as a source.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use stoa_fetch::{FetchError, Fetched, SourceName};
use stoa_module::ModuleVersion;
use stoa_storage::{Blob, StorageError};

use super::{
    import_source::{ImportError, ImportFile, ImportPage, ImportSource},
    places::Places,
};
use crate::Content;

/// Files by paths with slashes, of which those of one directory follow one another.
#[async_trait]
pub trait Tree: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The files that follow the page that ended with `after`. Those of one version are on one page.
    async fn files(&self, after: Option<&str>) -> Result<TreePage, StorageError>;

    /// A file; `None` if it is not there any more.
    async fn open(&self, path: &str) -> Result<Option<Blob>, StorageError>;
}

/// Some files.
#[derive(Clone, Debug, Default)]
pub struct TreePage {
    /// In their order.
    pub files: Vec<TreeFile>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path from the top of the tree.
    pub path: String,
    /// In bytes.
    pub len: u64,
}

/// A tree of files that are called as a layout has it.
#[derive(Clone, Debug)]
pub struct TreeSource {
    tree: Arc<dyn Tree>,
    places: Places,
}

impl TreeSource {
    /// The files of `tree`.
    pub fn new(tree: Arc<dyn Tree>, places: Places) -> Self {
        Self { tree, places }
    }
}

impl fmt::Display for TreeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ImportSource for TreeSource {
    async fn page(&self, after: Option<&str>) -> Result<ImportPage, ImportError> {
        let listed = self.tree.files(after).await?;
        let mut page = ImportPage {
            next: listed.next,
            ..ImportPage::default()
        };
        for file in listed.files {
            match self.places.parse(&file.path) {
                Some(key) => page.add(key, file.path, Some(file.len)),
                None if Places::is_alike(&file.path) => page.others.push(file.path),
                None => {}
            }
        }
        Ok(page)
    }

    async fn open(&self, _: &ModuleVersion, file: &ImportFile) -> Result<Fetched, FetchError> {
        let name = SourceName::new(self.to_string());
        fetched(name, self.tree.open(&file.place).await)
    }
}

/// A stored file as an answer.
pub(super) fn fetched(
    source_name: SourceName,
    opened: Result<Option<Blob>, StorageError>,
) -> Result<Fetched, FetchError> {
    let blob = opened.map_err(|error| FetchError::Unreadable {
        source_name: source_name.clone(),
        cause: Arc::new(error),
    })?;
    let blob = blob.ok_or_else(|| FetchError::not_found("the file is not there any more"))?;
    let len = blob.len();
    let name = source_name.clone();
    let pieces = Content::Stored(blob).pieces(0).map(move |piece| {
        piece.map_err(|error| FetchError::Broken {
            source_name: name.clone(),
            cause: Arc::new(error),
        })
    });
    // Each kind of file has a bound of its own, which whoever takes it in holds it to.
    Fetched::new(source_name, Some(len), u64::MAX, pieces.boxed())
}
