//! A running proxy that has a catalogue, as Athens and stoa do.

use std::fmt;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use stoa_fetch::{Context, FetchError, Fetched, Fetcher, Question, SmallFiles, SourceName, Upstream};
use stoa_module::{ModuleVersion, Resource};
use stoa_storage::FileKind;

use super::{
    import_source::{ImportError, ImportFile, ImportPage, ImportSource, ImportVersion},
    places::Places,
};

/// Versions of a page.
const PAGE: usize = 500;
/// The longest page, in bytes.
const LONGEST: u64 = 4 << 20;

/// What `/catalog` of a running proxy lists, fetched from it.
#[derive(Debug)]
pub struct CatalogSource {
    pages: SmallFiles,
    files: Upstream,
}

/// A page as Athens writes it.
#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    modules: Vec<Module>,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
struct Module {
    module: String,
    version: String,
}

impl CatalogSource {
    /// Reads pages of the catalogue from `pages`, and files from `files`, at the same server.
    pub fn new(pages: SmallFiles, files: Upstream) -> Self {
        Self { pages, files }
    }
}

impl fmt::Display for CatalogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pages.name().fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ImportSource for CatalogSource {
    async fn page(&self, after: Option<&str>) -> Result<ImportPage, ImportError> {
        let token = utf8_percent_encode(after.unwrap_or_default(), NON_ALPHANUMERIC);
        let query = format!("pagesize={PAGE}&token={token}");
        let read = self
            .pages
            .ask("catalog", &query, LONGEST, &Context::background())
            .await;
        let text = read.map_err(|error| match error {
            FetchError::NotFound(_) => ImportError::Other(format!(
                "{self} has no catalogue: import what it keeps its modules in"
            )),
            error => error.into(),
        })?;
        let listed: Page = serde_json::from_slice(&text)
            .map_err(|error| ImportError::Other(format!("{self} has no catalogue: {error}")))?;
        let mut page = ImportPage {
            next: Some(listed.next).filter(|next| !next.is_empty()),
            ..ImportPage::default()
        };
        for Module { module, version } in listed.modules {
            let Some(key) = Places::Athens.parse(&format!("{module}/{version}/go.mod")) else {
                page.others.push(format!("{module}@{version}"));
                continue;
            };
            let file = |kind| ImportFile {
                kind,
                place: String::new(),
                len: None,
            };
            page.versions.push(ImportVersion {
                target: key.target,
                files: FileKind::ALL.map(file).to_vec(),
            });
        }
        Ok(page)
    }

    async fn open(&self, target: &ModuleVersion, file: &ImportFile) -> Result<Fetched, FetchError> {
        let resource = match file.kind {
            FileKind::Info => Resource::Info(target.clone()),
            FileKind::Mod => Resource::Mod(target.clone()),
            FileKind::Zip => Resource::Zip(target.clone()),
        };
        self.files
            .fetch(&Question::new(resource, Context::background()))
            .await
    }
}

impl CatalogSource {
    /// The server.
    pub fn name(&self) -> &SourceName {
        self.pages.name()
    }
}
