//! An answer of another node.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use stoa_dispatch::ResponseBody;
use stoa_fetch::{FetchError, Phase, SourceName};
use stoa_peer::{FrameEvent, FrameReader, PeerError};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    contact::Contact,
    peer::is_answer,
    peer_health::Attempt,
    peer_pace::PeerPace,
    peer_wire::{PeerFailure, PeerHead},
};

/// How long the end of a body may take after its last frame.
const LAST: Duration = Duration::from_millis(250);

/// An answer of another node, frame by frame. A node that falls silent is given up.
///
/// The first frame proves that the node is up; silence, a cut, and what no node sends count against it. What the node says of
/// what it was asked does not.
#[derive(Debug)]
pub(super) struct PeerAnswer {
    source_name: SourceName,
    reader: FrameReader,
    body: ResponseBody,
    read: Bytes,
    contact: Arc<Contact>,
    silence: Duration,
    patience: Duration,
    attempt: Attempt,
    pace: Arc<PeerPace>,
}

impl PeerAnswer {
    pub(super) fn new(
        source_name: SourceName,
        (reader, body): (FrameReader, ResponseBody),
        (silence, patience): (Duration, Duration),
        (attempt, contact): (Attempt, Arc<Contact>),
        pace: Arc<PeerPace>,
    ) -> Self {
        Self {
            source_name,
            reader,
            body,
            read: Bytes::new(),
            contact,
            silence,
            patience,
            attempt,
            pace,
        }
    }

    /// The beginning, for which a node may work for a while as long as it says so.
    pub(super) async fn head(&mut self) -> Result<PeerHead, FetchError> {
        let began = Instant::now();
        loop {
            // It shrinks when somebody else has waited in vain meanwhile.
            let patience = self.pace.patience(self.patience);
            let Some(event) = self.event_by(began + patience).await else {
                self.pace.was_slow();
                return Err(self.late(Phase::Response, patience));
            };
            match event? {
                FrameEvent::Keepalive => {}
                FrameEvent::Header(json) => {
                    self.pace.answered();
                    return serde_json::from_slice(&json).map_err(|error| self.broken(error));
                }
                FrameEvent::Error(json) => {
                    self.pace.answered();
                    return Err(self.failure(&json));
                }
                FrameEvent::Data(_) | FrameEvent::End => {
                    return Err(self.broken("an answer without a head"));
                }
            }
        }
    }

    /// The next piece; `None` at the end of the whole. A node that only says that it works is given up after a while.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let event = self.event_by(deadline).await;
            match event.unwrap_or_else(|| Err(self.late(Phase::Idle, self.patience)))? {
                FrameEvent::Data(piece) => return Ok(Some(piece)),
                FrameEvent::End => return Ok(None),
                FrameEvent::Keepalive => {}
                FrameEvent::Error(json) => {
                    let error = self.failure(&json);
                    // What it is sure of, nobody has to find out once more. With anything else somebody goes on.
                    return Err(if is_answer(&error) {
                        error
                    } else {
                        self.broken(error)
                    });
                }
                FrameEvent::Header(_) => return Err(self.broken("an answer with two heads")),
            }
        }
    }

    /// All of it, if that is `limit` bytes at most.
    pub(super) async fn whole(&mut self, limit: u64) -> Result<Bytes, FetchError> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if (all.len() + piece.len()) as u64 > limit {
                return Err(self.broken("its answer is too long"));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// `None` if there is none by then.
    async fn event_by(&mut self, deadline: Instant) -> Option<Result<FrameEvent, FetchError>> {
        timeout_at(deadline, self.event()).await.ok()
    }

    async fn event(&mut self) -> Result<FrameEvent, FetchError> {
        let event = self.frame().await;
        match &event {
            Ok(_) => self.attempt.prove(),
            Err(error) => {
                self.attempt.fail();
                self.contact.failed(error);
            }
        }
        event
    }

    async fn frame(&mut self) -> Result<FrameEvent, FetchError> {
        loop {
            let found = self.reader.next(&mut self.read);
            if let Some(event) = found.map_err(|error| self.broken(error))? {
                self.contact.heard();
                if matches!(event, FrameEvent::End | FrameEvent::Error(_)) {
                    self.end().await;
                }
                return Ok(event);
            }
            let chunk = timeout(self.silence, self.body.chunk()).await;
            match chunk.map_err(|_elapsed| self.late(Phase::Idle, self.silence))? {
                Some(Ok(chunk)) => self.read = chunk,
                Some(Err(error)) => return Err(self.broken(error)),
                None => return Err(self.broken(PeerError::Truncated)),
            }
        }
    }

    fn late(&self, phase: Phase, after: Duration) -> FetchError {
        FetchError::Timeout {
            source_name: self.source_name.clone(),
            phase,
            after,
        }
    }

    /// Reads the end of the body, which comes with the last frame: an answer that was read to its end has not failed, whatever it
    /// says, and its connection is used again.
    async fn end(&mut self) {
        let _more = timeout(LAST, self.body.chunk()).await;
    }

    fn failure(&self, json: &[u8]) -> FetchError {
        match serde_json::from_slice::<PeerFailure>(json) {
            Ok(failure) if failure.is_draining() => {
                self.contact.says_draining(true);
                failure.into_error(&self.source_name)
            }
            Ok(failure) => failure.into_error(&self.source_name),
            Err(error) => self.broken(error),
        }
    }

    fn broken(&self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FetchError {
        FetchError::Broken {
            source_name: self.source_name.clone(),
            cause: Arc::from(cause.into()),
        }
    }
}
