//! The port: where an answer comes from.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use stoa_dispatch::Permit;

use crate::{Body, FetchError, Question, SourceName, body::Rules};

/// How much room is made at once for a body that announces its length, in bytes.
const ANNOUNCED: usize = 256 << 10;

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
    /// Whether it was read from a repository. What that says of its files is what they are; what comes from a server may
    /// be the page of somebody in between, or a part.
    pub of_repository: bool,
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
            of_repository: false,
        })
    }

    /// The whole content in memory. Bounded, as the body is.
    ///
    /// The bytes have a buffer of their own size: a piece of a body is a slice of the buffer that a connection was read
    /// into, and whoever keeps it keeps all of that.
    pub async fn bytes(mut self) -> Result<Bytes, FetchError> {
        let mut all = Vec::new();
        if let Some(first) = self.body.next().await.transpose()? {
            // What is announced has been held to the limit, and may still be a lie: room is made as it comes.
            let announced = self.len.and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
            all.reserve_exact(announced.min(ANNOUNCED).max(first.len()));
            all.extend_from_slice(&first);
        }
        while let Some(piece) = self.body.next().await.transpose()? {
            all.extend_from_slice(&piece);
        }
        Ok(all.into_boxed_slice().into())
    }
}
