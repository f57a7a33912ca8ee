//! One entry of a GOPROXY list.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::Instrument as _;

use crate::{Fallback, FetchError, Fetched, Fetcher, Question};

/// A source, and after which failures of it the next one is asked.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) fetcher: Arc<dyn Fetcher>,
    pub(crate) fallback: Fallback,
    /// `direct` and `off` speak for the user, not for some server.
    pub(crate) own_word: bool,
}

impl Step {
    /// Asks this source, in a span of its own.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Fetched, FetchError> {
        let span = tracing::debug_span!("fetch", source = %self.fetcher, resource = %question.resource);
        let began = Instant::now();
        let asked = async {
            let answer = self.fetcher.fetch(question).await;
            let elapsed = began.elapsed();
            match &answer {
                Ok(fetched) => tracing::debug!(len = fetched.len, ?elapsed, "the source answers"),
                Err(error) => tracing::debug!(%error, ?elapsed, "the source has no answer"),
            }
            answer
        };
        asked.instrument(span).await
    }
}
