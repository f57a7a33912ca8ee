//! Joins those who ask a database for the same thing.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_cache::{Flights, LostError};
use stoa_sumdb::RemotePath;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{ChecksumDatabase, SumAnswer};
use crate::{Outcome, ProxyError};

/// So many questions are under way at once; as many as may wait for a permit in
/// [`VerifiedDatabase`](super::VerifiedDatabase), and those that have it.
const MAX: usize = 8192;

/// Starts one flight for each distinct question and lets later callers join it, as
/// [`SingleFlight`](crate::SingleFlight) does for modules.
///
/// An answer is cached before its flight ends, so that who comes later asks nobody.
#[derive(Debug)]
pub struct SumFlight {
    inner: Arc<dyn ChecksumDatabase>,
    flights: Flights<RemotePath, (), SumAnswer, ProxyError>,
}

impl SumFlight {
    /// Flights run on `tasks`, whose owner waits for them at shutdown.
    pub fn new(inner: Arc<dyn ChecksumDatabase>, tasks: TaskTracker) -> Self {
        Self {
            inner,
            flights: Flights::new(tasks, MAX),
        }
    }
}

impl fmt::Display for SumFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sum_flight > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumDatabase for SumFlight {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        let work = |()| {
            let (inner, path) = (Arc::clone(&self.inner), path.clone());
            async move { inner.get(&path).await }.in_current_span()
        };
        let landed = self.flights.join(path, || (), work)?.wait().await;
        let landed = landed
            .map_err(|LostError| ProxyError::internal("the lookup panicked or was dropped; see the log"))?;
        let mut answer = landed.result?;
        if landed.joined && answer.outcome == Outcome::Miss {
            answer.outcome = Outcome::Coalesced;
        }
        Ok(answer)
    }
}
