//! The content of an answer.

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use stoa_storage::Blob;

use crate::{Growing, ProxyError};

/// How much of a stored file is read at once, in bytes.
const PIECE: usize = 128 << 10;

/// The content of an answer, from a source or from storage, on its way to a client. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory, whole.
    Bytes(Bytes),
    /// A stored file, whole.
    Stored(Blob),
    /// A large file that is still arriving.
    Growing(Growing),
}

impl Content {
    /// How many bytes it has, if that is known.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stored(blob) => Some(blob.len()),
            Self::Growing(growing) => growing.total(),
        }
    }

    /// Its bytes from `from` on, piece by piece, at the pace of the reader; none if there are no more. Of a
    /// [growing](Self::Growing) one, the last byte comes when all is checked and stored. After an error there is nothing more.
    pub fn pieces(&self, from: u64) -> BoxStream<'static, Result<Bytes, ProxyError>> {
        match self {
            Self::Bytes(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                let rest = bytes.slice(from..);
                let pieces = (!rest.is_empty()).then_some(Ok(rest));
                stream::iter(pieces).boxed()
            }
            Self::Stored(blob) => stream::unfold(Some((blob.clone(), from)), stored_piece).boxed(),
            Self::Growing(growing) => {
                let follower = growing.follow_from(from);
                let pieces = stream::unfold(follower, |mut follower| async move {
                    let piece = follower.next().await?;
                    Some((piece, follower))
                });
                pieces.boxed()
            }
        }
    }
}

/// One piece of a stored file, and what is left to read of it.
async fn stored_piece(rest: Option<(Blob, u64)>) -> Option<(Result<Bytes, ProxyError>, Option<(Blob, u64)>)> {
    let (blob, from) = rest?;
    let left = blob.len().checked_sub(from).filter(|left| *left > 0)?;
    let len = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
    match blob.read_at(from, len).await {
        Ok(piece) if piece.is_empty() => {
            let error = ProxyError::internal("a stored file is shorter than it was");
            Some((Err(error), None))
        }
        Ok(piece) => {
            let next = from + piece.len() as u64;
            Some((Ok(piece), Some((blob, next))))
        }
        Err(error) => Some((Err(error.into()), None)),
    }
}
