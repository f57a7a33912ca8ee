//! Taking over what another proxy has kept.

mod catalog_source;
mod cycle;
mod directory;
mod import_source;
mod importer;
mod places;
mod storage_source;
mod tree_source;

pub use catalog_source::CatalogSource;
pub use directory::Directory;
pub use import_source::{ImportError, ImportFile, ImportPage, ImportSource, ImportVersion};
pub use importer::{ImportFinding, ImportReport, Importer, Verdict};
pub use places::Places;
pub use storage_source::StorageSource;
pub use tree_source::{Tree, TreeFile, TreePage, TreeSource};
