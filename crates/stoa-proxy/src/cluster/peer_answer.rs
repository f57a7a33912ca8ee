//! An answer of another node.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use stoa_dispatch::ResponseBody;
use stoa_fetch::{FetchError, Phase, SourceName};
use stoa_peer::{FrameEvent, FrameReader, PeerError};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    contact::Contact,
    peer_wire::{PeerFailure, PeerHead},
};

/// How long the end of a body may take after its last frame.
const LAST: Duration = Duration::from_millis(250);

/// An answer of another node, frame by frame. A node that falls silent is given up.
#[derive(Debug)]
pub(super) struct PeerAnswer {
    source_name: SourceName,
    reader: FrameReader,
    body: ResponseBody,
    read: Bytes,
    contact: Arc<Contact>,
    silence: Duration,
    patience: Duration,
}

impl PeerAnswer {
    pub(super) fn new(
        source_name: SourceName,
        reader: FrameReader,
        body: ResponseBody,
        contact: Arc<Contact>,
        silence: Duration,
        patience: Duration,
    ) -> Self {
        Self {
            source_name,
            reader,
            body,
            read: Bytes::new(),
            contact,
            silence,
            patience,
        }
    }

    /// The beginning, for which a node may work for a while as long as it says so.
    pub(super) async fn head(&mut self) -> Result<PeerHead, FetchError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.event_by(deadline, Phase::Response).await? {
                FrameEvent::Keepalive => {}
                FrameEvent::Header(json) => {
                    return serde_json::from_slice(&json).map_err(|error| self.broken(error));
                }
                FrameEvent::Error(json) => return Err(self.failure(&json)),
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
            match self.event_by(deadline, Phase::Idle).await? {
                FrameEvent::Data(piece) => return Ok(Some(piece)),
                FrameEvent::End => return Ok(None),
                FrameEvent::Keepalive => {}
                FrameEvent::Error(json) => {
                    let error = self.failure(&json);
                    return Err(self.broken(error));
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

    async fn event_by(&mut self, deadline: Instant, phase: Phase) -> Result<FrameEvent, FetchError> {
        let (source_name, after) = (self.source_name.clone(), self.patience);
        let event = timeout_at(deadline, self.event()).await;
        event.unwrap_or(Err(FetchError::Timeout {
            source_name,
            phase,
            after,
        }))
    }

    async fn event(&mut self) -> Result<FrameEvent, FetchError> {
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
            let chunk = chunk.map_err(|_elapsed| FetchError::Timeout {
                source_name: self.source_name.clone(),
                phase: Phase::Idle,
                after: self.silence,
            })?;
            match chunk {
                Some(Ok(chunk)) => self.read = chunk,
                Some(Err(error)) => return Err(self.broken(error)),
                None => return Err(self.broken(PeerError::Truncated)),
            }
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
