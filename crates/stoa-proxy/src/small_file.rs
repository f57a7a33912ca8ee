//! Small answers, whole.

use bytes::Bytes;
use stoa_fetch::Question;

use crate::{Content, Protocol, ProxyError};

/// The largest `.info`, `.mod` or list, in bytes; all have been bounded when they were fetched.
const MAX: usize = 16 << 20;

/// The answer to a question for a small file, in memory.
pub(crate) async fn small_file(protocol: &dyn Protocol, question: &Question) -> Result<Bytes, ProxyError> {
    match protocol.get(question).await?.content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::Stored(blob) => Ok(blob.bytes(MAX).await?),
        Content::Growing(_) => Err(ProxyError::internal(format!("{question} is no small file"))),
    }
}
