//! The port: one checksum database.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_sumdb::{ModuleSums, RemotePath};

use crate::{Outcome, ProxyError};

/// One checksum database, as clients see it.
///
/// # Contract
/// * What is returned has been verified: its bytes are the database's, and its log vouches for them.
/// * An error of meaning not-found is returned only when the database itself, or an offline storage, says so.
/// * Dropping the future cancels nothing that others may be waiting for.
/// * [`fmt::Display`] prints the stack from the outside in.
#[async_trait]
pub trait ChecksumDatabase: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Answers `path`.
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError>;
}

/// What a database answered. Cheap to clone, because joined callers share it.
#[derive(Clone, Debug)]
pub struct SumAnswer {
    /// As the database sent it; of tiles the part that was asked for.
    pub content: Bytes,
    /// How it came about.
    pub outcome: Outcome,
    /// How much longer it is fresh; `None` for what never changes.
    pub fresh_for: Option<Duration>,
    /// Of a lookup: what was recorded of the module version.
    pub sums: Option<Arc<ModuleSums>>,
}

impl SumAnswer {
    /// An answer that is no lookup.
    pub fn new(content: impl Into<Bytes>, outcome: Outcome) -> Self {
        Self {
            content: content.into(),
            outcome,
            fresh_for: None,
            sums: None,
        }
    }
}
