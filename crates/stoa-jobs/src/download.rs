//! Downloads of any URL: what a job of kind `url` is told, and the handler that does it.
//!
//! The crate opens no sockets. [`Downloads`] asks a [`Transport`], keeps what comes in a partial file from which a later run
//! goes on, and hands the whole file to a [`Sink`]. A [`DiskGuard`] keeps jobs from starting while a disk is full.

mod disk_guard;
mod image_size;
mod mime;
mod sniff;
mod sniff_table;
mod spec;
#[cfg(test)]
mod testing;
mod transport;

pub use disk_guard::{DiskGuard, DiskOptions, Probe, Space, Statvfs, Volume};
pub use mime::{MimeRule, MimeRuleError};
pub use spec::{Conditional, DownloadSpec, DownloadUrl, MinSpeed, Sha256Hex, SpecError, Timeouts};
pub use transport::{Body, Method, Purpose, Request, Response, Transport, TransportError, TransportFault};
