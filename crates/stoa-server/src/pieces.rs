//! Stored and arriving files, piece by piece.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use stoa_proxy::{Follower, Growing, ProxyError};
use stoa_storage::Blob;

use crate::{
    body_error::BodyError,
    read_ahead::{PieceSize, ReadAhead, Reserved},
};

/// A file that is read piece by piece.
pub(crate) trait Pieces: Send {
    /// Waits until the next piece is there to be read: whether there is one. An error counts as one.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool>;

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
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<bool> {
        Poll::Ready(self.at < self.end || !self.reading.is_empty())
    }

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
    Waiting(Reading<(Available, Box<Follower>)>, PieceSize),
    /// So many bytes can be read.
    Ready(u64, Box<Follower>, PieceSize),
    Reading(Reading<Option<Read>>),
    Failed(BodyError),
    Ended,
}

/// How many bytes can be read; `None` at the end.
type Available = Option<Result<u64, ProxyError>>;

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
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Idle(mut follower, size) => {
                    let waiting = async move { (follower.available().await, follower) };
                    self.state = State::Waiting(Box::pin(waiting), size);
                }
                State::Waiting(mut waiting, size) => {
                    let Poll::Ready((available, follower)) = waiting.poll_unpin(cx) else {
                        self.state = State::Waiting(waiting, size);
                        return Poll::Pending;
                    };
                    match available {
                        Some(Ok(bytes)) => self.state = State::Ready(bytes, follower, size),
                        Some(Err(error)) => self.state = State::Failed(error.into()),
                        None => {}
                    }
                }
                State::Ended => return Poll::Ready(false),
                ready @ (State::Ready(..) | State::Reading(_) | State::Failed(_)) => {
                    self.state = ready;
                    return Poll::Ready(true);
                }
            }
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if !ready!(self.poll_ready(cx)) {
                return Poll::Ready(None);
            }
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ready(bytes, follower, mut size) => {
                    // Room is taken when there is something to be read.
                    let room = size.next(&self.ahead, most.min(bytes));
                    self.state = State::Reading(Box::pin(read(follower, size, room)));
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
                State::Failed(error) => return Poll::Ready(Some(Err(error))),
                other => self.state = other,
            }
        }
    }
}

/// Reads the next piece into `room`.
async fn read(mut follower: Box<Follower>, size: PieceSize, room: Reserved) -> Option<Read> {
    let piece = follower.next_up_to(room.bytes()).await?;
    let piece = piece.map(|piece| room.hold(piece)).map_err(BodyError::from);
    Some((piece, follower, size))
}
