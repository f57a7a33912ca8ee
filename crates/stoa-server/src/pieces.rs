//! Stored and arriving files, piece by piece.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use stoa_proxy::{Follower, Growing};
use stoa_storage::Blob;

use crate::{
    body_error::BodyError,
    read_ahead::{PieceSize, ReadAhead, Reserved},
};

/// A file that is read piece by piece.
pub(crate) trait Pieces: Send {
    /// The next piece; `None` after the last one. If it is still to be read, it has at most `most` bytes.
    fn poll_piece(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Option<Result<Bytes, BodyError>>>;
}

type Reading<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A part of a stored file, read a little ahead of the client.
pub(crate) struct BlobPieces {
    blob: Blob,
    at: u64,
    end: u64,
    size: PieceSize,
    ahead: Arc<ReadAhead>,
    reading: FuturesOrdered<Reading<Result<Bytes, BodyError>>>,
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

    /// Room for the next piece, unless enough is read already.
    fn room(&mut self, most: u64) -> Option<Reserved> {
        let most = most.min(self.end - self.at);
        match self.reading.len() {
            _ if most == 0 => None,
            0 => Some(self.size.next(&self.ahead, most)),
            1 => self.size.one_more(&self.ahead, most),
            _ => None,
        }
    }

    fn read(&mut self, room: Reserved) {
        let (offset, len) = (self.at, room.bytes());
        self.at += len;
        let want = usize::try_from(len).unwrap_or(usize::MAX);
        let blob = self.blob.clone();
        self.reading.push_back(Box::pin(async move {
            let piece = blob.read_at(offset, want).await?;
            // A stored file never shrinks; if the disk says otherwise, the client must not believe it whole.
            if piece.len() == want {
                Ok(room.hold(piece))
            } else {
                Err(BodyError::Short)
            }
        }));
    }
}

impl Pieces for BlobPieces {
    fn poll_piece(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Option<Result<Bytes, BodyError>>> {
        while let Some(room) = self.room(most) {
            self.read(room);
        }
        self.reading.poll_next_unpin(cx)
    }
}

/// A file that is still arriving, from its start.
pub(crate) struct GrowingPieces {
    ahead: Arc<ReadAhead>,
    state: State,
}

enum State {
    Idle(Box<Follower>, PieceSize),
    Reading(Reading<Option<Read>>),
    Ended,
}

/// A piece, and how to go on.
type Read = (Result<Bytes, BodyError>, Box<Follower>, PieceSize);

impl GrowingPieces {
    pub(crate) fn new(growing: &Growing, ahead: Arc<ReadAhead>) -> Self {
        Self {
            ahead,
            state: State::Idle(Box::new(growing.follow()), PieceSize::first()),
        }
    }
}

impl Pieces for GrowingPieces {
    fn poll_piece(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Idle(follower, size) => {
                    let next = next_of(follower, size, (Arc::clone(&self.ahead), most));
                    self.state = State::Reading(Box::pin(next));
                }
                State::Reading(mut reading) => {
                    let Poll::Ready(read) = reading.poll_unpin(cx) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    return Poll::Ready(read.map(|(piece, follower, size)| {
                        self.state = State::Idle(follower, size);
                        piece
                    }));
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

/// The next piece. Room for it is taken when there is something to be read.
async fn next_of(
    mut follower: Box<Follower>,
    mut size: PieceSize,
    (ahead, most): (Arc<ReadAhead>, u64),
) -> Option<Read> {
    let piece = match follower.available().await? {
        Ok(available) => {
            let room = size.next(&ahead, most.min(available));
            let piece = follower.next_up_to(room.bytes()).await?;
            piece.map(|piece| room.hold(piece)).map_err(BodyError::from)
        }
        Err(error) => Err(BodyError::from(error)),
    };
    Some((piece, follower, size))
}
