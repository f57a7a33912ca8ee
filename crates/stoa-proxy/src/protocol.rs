//! The outer port: one question of a client.

use std::fmt;

use async_trait::async_trait;
use stoa_fetch::Resource;

use crate::{Answer, ProxyError};

/// Answers questions of the GOPROXY protocol.
///
/// # Contract
/// * Dropping the future cancels nothing that others may be waiting for.
/// * An error of meaning not-found is returned only when a source, or an offline storage, is sure.
/// * Layers add one concern each; [`fmt::Display`] prints the stack from the outside in.
#[async_trait]
pub trait Protocol: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Answers `resource`.
    async fn get(&self, resource: &Resource) -> Result<Answer, ProxyError>;
}
