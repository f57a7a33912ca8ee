//! Downloads of any URL: what a job of kind `url` is told, and the handler that does it.
//!
//! The crate opens no sockets. [`Downloads`] asks a [`Transport`], keeps what comes in a partial file from which a later run
//! goes on, and hands the whole file to a [`Sink`]. A [`DiskGuard`] keeps jobs from starting while a disk is full.

mod copy;
mod digest;
mod directory_sink;
mod disk_guard;
mod download_url;
mod exchange;
mod handler;
mod image_size;
mod mime;
mod partial;
mod partials;
mod publish;
mod purge;
mod result;
mod session;
mod sha256_hex;
mod sink;
mod sniff;
mod sniff_table;
mod spec;
mod spec_error;
#[cfg(test)]
pub(crate) mod testing;
mod throughput;
mod transport;
mod validator;
pub(crate) mod verdict;

pub use directory_sink::DirectorySink;
pub use disk_guard::{DiskGuard, DiskOptions, Probe, Space, Statvfs, Volume};
pub use download_url::DownloadUrl;
pub(crate) use download_url::shown;
pub use handler::Downloads;
pub use mime::{MimeRule, MimeRuleError};
pub use purge::{Purge, PurgeAfter, PurgePayload};
pub use result::DownloadResult;
pub use session::DownloadOptions;
pub use sha256_hex::Sha256Hex;
pub use sink::{Existing, FileMeta, FinishedFile, Sink, SinkError, object_name};
pub(crate) use spec::layered;
pub use spec::{Conditional, DownloadSpec, MinSpeed, Timeouts};
pub use spec_error::SpecError;
pub use transport::{Body, Method, Purpose, Request, Response, Transport, TransportError, TransportFault};
