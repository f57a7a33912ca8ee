//! The port: where an answer comes from.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use stoa_dispatch::Permit;

use crate::{Body, FetchError, Question, SourceName, body::Rules};

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

/// An answer whose head has arrived.
#[derive(Debug)]
pub struct Fetched {
    /// The source that answered.
    pub source_name: SourceName,
    /// The announced length, in bytes. The body is checked against it.
    pub len: Option<u64>,
    /// The content, as it arrives.
    pub body: Body,
    /// A slot of a pool, held until the answer has been processed.
    pub slot: Option<Permit>,
}

impl Fetched {
    /// An answer made of `pieces`, announced as `len` bytes and held to that and to `limit`.
    ///
    /// # Errors
    /// When more is announced than the limit allows.
    pub fn new(
        source_name: SourceName,
        len: Option<u64>,
        limit: u64,
        pieces: BoxStream<'static, Result<Bytes, FetchError>>,
    ) -> Result<Self, FetchError> {
        let rules = Rules {
            source_name: source_name.clone(),
            len,
            limit,
        };
        Ok(Self {
            source_name,
            len,
            body: Body::new(pieces, rules)?,
            slot: None,
        })
    }

    /// The whole content in memory. Bounded, as the body is.
    pub async fn bytes(mut self) -> Result<Bytes, FetchError> {
        let Some(first) = self.body.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.body.next().await.transpose()? else {
            return Ok(first);
        };
        let mut all = Vec::with_capacity(self.len.map_or(0, |n| usize::try_from(n).unwrap_or(0)));
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(chunk) = self.body.next().await.transpose()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }
}
