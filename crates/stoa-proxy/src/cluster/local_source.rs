//! This node, as one of those who are asked.

use std::{fmt, sync::Arc};

use futures_util::StreamExt;
use stoa_fetch::{FetchError, Fetched, Limits, Question, SourceName};

use crate::{Cause, ProxyError, Stasher};

/// Hands out what this node brings in, from any byte on: the end of the line for a transfer whose owner is gone.
#[derive(Clone, Debug)]
pub(super) struct LocalSource {
    stasher: Arc<dyn Stasher>,
    limits: Limits,
}

impl LocalSource {
    pub(super) fn new(stasher: Arc<dyn Stasher>, limits: Limits) -> Self {
        Self { stasher, limits }
    }

    /// Brings the resource of `question` in and goes on after `from` bytes.
    pub(super) async fn fetch(&self, question: &Question, from: u64) -> Result<Fetched, FetchError> {
        let stashed = self.stasher.stash(question).await.map_err(of_proxy)?;
        let limit = self.limits.for_resource(&question.resource);
        let pieces = stashed.content.pieces(from).map(|piece| piece.map_err(of_proxy));
        let fetched = Fetched::new(source_name(), None, limit, pieces.boxed())?;
        Ok(Fetched {
            start: from,
            len: stashed.content.bytes(),
            of_repository: true,
            ..fetched
        })
    }
}

impl fmt::Display for LocalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stasher.fmt(f)
    }
}

fn source_name() -> SourceName {
    SourceName::new("this node")
}

/// A failure of this node, in the words of a source.
fn of_proxy(error: ProxyError) -> FetchError {
    match error.cause() {
        Cause::Fetch(error) => error.clone(),
        _ => FetchError::Unreadable {
            source_name: source_name(),
            cause: Arc::new(error),
        },
    }
}
