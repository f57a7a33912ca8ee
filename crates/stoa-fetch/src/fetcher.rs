//! The port: where an answer comes from.

use std::fmt;

use async_trait::async_trait;

use crate::{FetchError, Fetched, Question};

/// A place that modules come from.
///
/// # Contract
/// * An answer is what the source holds, byte for byte.
/// * [`FetchError::NotFound`] is returned only when the source says that there is no such thing. A source that cannot
///   be asked, refuses, or answers nonsense is another error, always.
/// * The body is bounded and dated: it ends with an error when it outgrows its limit, stalls or is cut short.
/// * Dropping the future or the body gives up the transfer at once.
///
/// [`fmt::Display`] prints the composition, so that a test can assert the order.
#[async_trait]
pub trait Fetcher: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Asks for the resource of `question`.
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError>;
}
