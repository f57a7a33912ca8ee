//! Stored and arriving files, piece by piece.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    stream::{self, FuturesOrdered},
};
use stoa_proxy::Growing;
use stoa_storage::Blob;

use crate::{
    body_error::BodyError,
    read_ahead::{PieceSize, ReadAhead},
};

type Reading = Pin<Box<dyn Future<Output = Result<Bytes, BodyError>> + Send>>;

/// A part of a stored file, read a little ahead of the client.
pub(crate) struct BlobPieces {
    blob: Blob,
    at: u64,
    end: u64,
    size: PieceSize,
    ahead: Arc<ReadAhead>,
    reading: FuturesOrdered<Reading>,
}

impl BlobPieces {
    /// The bytes from `start` to `end`.
    pub(crate) fn new(blob: Blob, (start, end): (u64, u64), ahead: Arc<ReadAhead>) -> Self {
        Self {
            blob,
            at: start,
            end,
            size: PieceSize::first(),
            ahead,
            reading: FuturesOrdered::new(),
        }
    }

    fn read(&mut self) {
        let offset = self.at;
        let len = self.size.next(&self.ahead).min(self.end - offset);
        self.at += len;
        let want = usize::try_from(len).unwrap_or(usize::MAX);
        let (blob, ahead) = (self.blob.clone(), Arc::clone(&self.ahead));
        self.reading.push_back(Box::pin(async move {
            let piece = blob.read_at(offset, want).await?;
            // A stored file never shrinks; if the disk says otherwise, the client must not believe it whole.
            if piece.len() == want {
                Ok(ahead.count(piece))
            } else {
                Err(BodyError::Short)
            }
        }));
    }
}

impl Stream for BlobPieces {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while this.at < this.end && this.reading.len() < this.size.depth(&this.ahead) {
            this.read();
        }
        this.reading.poll_next_unpin(cx)
    }
}

/// A file that is still arriving, from its start.
pub(crate) fn growing_pieces(
    growing: &Growing,
    ahead: Arc<ReadAhead>,
) -> impl Stream<Item = Result<Bytes, BodyError>> + use<> {
    let state = (growing.follow(), PieceSize::first(), ahead);
    stream::unfold(state, |(mut follower, mut size, ahead)| async move {
        let piece = follower.next_up_to(size.next(&ahead)).await?;
        let piece = piece.map(|piece| ahead.count(piece)).map_err(BodyError::from);
        Some((piece, (follower, size, ahead)))
    })
}
