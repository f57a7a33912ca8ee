//! An answer whose head has arrived, and where the rest of it comes from, should it break off.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use stoa_dispatch::Permit;
use tokio::time::Instant;

use crate::{Body, FetchError, SourceName, body::Rules};

/// How much room is made at once for a body that announces its length, in bytes.
const ANNOUNCED: usize = 256 << 10;

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
    /// How many bytes of it come before what [`body`](Self::body) begins with: 0 but in an answer of a [`Rest`].
    pub start: u64,
    /// Whoever can be asked for the rest, should the body break off.
    pub rest: Option<Box<dyn Rest>>,
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
            start: 0,
            rest: None,
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

/// Asks again for a body that has broken off.
///
/// # Contract
/// * The answer is of the same resource, asked for in the same context and under the same rules as the first.
/// * [`Fetched::start`] says where the answer begins: at `from` only if the source vouches that it still has what it had;
///   else at the first byte.
/// * The next source is one that the list lets be asked after a failure of this one.
#[async_trait]
pub trait Rest: fmt::Debug + Send + Sync {
    /// Asks the same source for the bytes from `from` on. What it sends has to come by `deadline`.
    ///
    /// # Errors
    /// Those of [`Fetcher::fetch`](crate::Fetcher::fetch).
    async fn ask(&mut self, from: u64, deadline: Instant) -> Result<Fetched, FetchError>;

    /// Whether there is another source.
    fn has_next(&self) -> bool;

    /// From now on the next source is asked, if there is one; whether there is.
    fn go_to_next(&mut self) -> bool;

    /// Whether nobody is left who could be asked: the last one has gone on by itself wherever it broke off.
    fn is_spent(&self) -> bool;
}
