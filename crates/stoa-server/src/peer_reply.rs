//! An answer to another node, in frames.

use std::{collections::VecDeque, fmt, io, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use stoa_peer::{FrameWriter, PeerError};
use stoa_proxy::{PeerFailure, PeerHead, PeerRequest, ProxyError};
use tokio::time::{Instant, sleep_until};

/// A node that waits for something says so at least this often. Its asker gives it up after some times as long.
const KEEPALIVE: Duration = Duration::from_millis(250);

/// Has the answers to what other nodes ask.
#[async_trait]
pub trait PeerDesk: fmt::Debug + Send + Sync + 'static {
    /// Answers the node of this id. Dropping the future gives up what only it waits for.
    async fn answer(&self, node: &str, question: PeerRequest) -> Result<DeskAnswer, PeerFailure>;
}

/// An answer whose beginning is known.
pub struct DeskAnswer {
    /// The beginning.
    pub head: PeerHead,
    /// The bytes that were asked for.
    pub pieces: BoxStream<'static, Result<Bytes, ProxyError>>,
}

impl DeskAnswer {
    /// An answer without content: it was heard, and is done.
    pub fn done() -> Self {
        Self::bytes(Bytes::new())
    }

    /// An answer that is in memory.
    pub fn bytes(bytes: Bytes) -> Self {
        let head = PeerHead {
            len: Some(bytes.len() as u64),
        };
        let piece = (!bytes.is_empty()).then_some(Ok(bytes));
        Self {
            head,
            pieces: stream::iter(piece).boxed(),
        }
    }
}

impl fmt::Debug for DeskAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeskAnswer")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

type Deciding = Pin<Box<dyn Future<Output = Result<DeskAnswer, PeerFailure>> + Send>>;

/// Writes one answer as its reader takes it.
pub(crate) struct PeerReply {
    writer: FrameWriter,
    state: ReplyState,
    /// Frames that are written and not taken yet; of one piece at most.
    frames: VecDeque<Bytes>,
}

enum ReplyState {
    Deciding(Deciding),
    Sending(BoxStream<'static, Result<Bytes, ProxyError>>),
    Ended,
}

/// What a reply waited for.
enum Next {
    Decided(Result<DeskAnswer, PeerFailure>),
    Piece(Option<Result<Bytes, ProxyError>>),
    Nothing,
}

impl PeerReply {
    pub(crate) fn new(
        writer: FrameWriter,
        desk: Arc<dyn PeerDesk>,
        node: String,
        question: PeerRequest,
    ) -> Self {
        let deciding = Box::pin(async move { desk.answer(&node, question).await });
        Self {
            writer,
            state: ReplyState::Deciding(deciding),
            frames: VecDeque::new(),
        }
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::unfold(self, |mut reply| async move {
            let frame = reply.next().await?;
            Some((frame.map_err(io::Error::other), reply))
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, PeerError>> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(Ok(frame));
            }
            let next = self.wait().await?;
            if let Err(error) = self.write(next) {
                self.state = ReplyState::Ended;
                return Some(Err(error));
            }
        }
    }

    /// Waits for what comes next, but not for longer than a reader may be left alone; `None` after the end.
    async fn wait(&mut self) -> Option<Next> {
        let silence = sleep_until(Instant::now() + KEEPALIVE);
        match &mut self.state {
            ReplyState::Deciding(deciding) => Some(tokio::select! {
                biased;
                decided = deciding => Next::Decided(decided),
                () = silence => Next::Nothing,
            }),
            ReplyState::Sending(pieces) => Some(tokio::select! {
                biased;
                piece = pieces.next() => Next::Piece(piece),
                () = silence => Next::Nothing,
            }),
            ReplyState::Ended => None,
        }
    }

    fn write(&mut self, next: Next) -> Result<(), PeerError> {
        match next {
            Next::Nothing => self.frames.push_back(self.writer.keepalive()?),
            Next::Decided(Ok(answer)) => {
                self.frames.push_back(self.writer.header(&answer.head)?);
                self.state = ReplyState::Sending(answer.pieces);
            }
            Next::Decided(Err(failure)) => self.fail(&failure)?,
            Next::Piece(Some(Ok(piece))) => self.frames.extend(self.writer.data(piece)?),
            Next::Piece(Some(Err(error))) => self.fail(&PeerFailure::of_body(&error))?,
            Next::Piece(None) => {
                self.frames.push_back(self.writer.end()?);
                self.state = ReplyState::Ended;
            }
        }
        Ok(())
    }

    fn fail(&mut self, failure: &PeerFailure) -> Result<(), PeerError> {
        self.frames.push_back(self.writer.fail(failure)?);
        self.state = ReplyState::Ended;
        Ok(())
    }
}
