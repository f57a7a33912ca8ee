//! Release archives of Go, as `https://go.dev/dl/` has them.
//!
//! ```text
//! Releases    answers: the index, archives, their checksums and signatures
//!   indexes   what there is: remembered for a while, kept as records, served old while the server is away
//!   files     archives: from storage, else fetched once for all who want them, checked while they arrive
//! ```

mod files;
mod index;
mod indexes;
mod metrics;
mod name;
mod pump;
mod request;
mod service;

pub use index::{ReleaseFile, ReleaseIndex};
pub use indexes::IndexOptions;
pub use metrics::ReleaseMetrics;
pub use name::{ReleaseName, ReleaseNameError};
pub use request::{IndexKind, ReleaseRequest};
pub use service::{ReleaseAnswer, ReleaseContent, Releases};
