//! The outer port: one question of a client.

use std::fmt;

use async_trait::async_trait;

use crate::{Answer, ProxyError};
use stoa_fetch::Question;

/// Answers questions of the GOPROXY protocol.
///
/// # Contract
/// * Dropping the future cancels nothing that others may be waiting for.
/// * An error of meaning not-found is returned only when a source, or an offline storage, is sure.
/// * Layers add one concern each; [`fmt::Display`] prints the stack from the outside in.
#[async_trait]
pub trait Protocol: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Answers `question`.
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError>;
}
