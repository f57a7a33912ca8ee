//! Asks a database again that is slow to know what it has.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_dispatch::Quota;
use stoa_fetch::FetchError;
use stoa_sumdb::RemotePath;
use tokio::time::sleep;

use super::{ChecksumDatabase, ChecksumError, SumAnswer, database_adapter::share_of_path};
use crate::ProxyError;

/// The pauses before a question is asked again, nearly 8 s together.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// So many questions pause at once; others are told at once what came of theirs.
const PAUSING: usize = 256;

/// Asks again what a database answers with a failure of its own, what breaks off, and what it has not integrated yet.
///
/// A version that was published just now is such a thing: the public database answers 500, or ends the connection, while its
/// log takes the record in (go#70042), and the go command asks nobody twice. A database that cannot be reached, or that is
/// not asked now, is another matter: its lane has seen to that.
#[derive(Debug)]
pub struct SumRetry {
    inner: Arc<dyn ChecksumDatabase>,
    pausing: Quota,
}

impl SumRetry {
    /// Asks `inner`.
    pub fn new(inner: Arc<dyn ChecksumDatabase>) -> Self {
        Self {
            inner,
            pausing: Quota::new(PAUSING),
        }
    }
}

impl fmt::Display for SumRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sum_retry > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumDatabase for SumRetry {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        let share = share_of_path(path);
        let mut place = None;
        for pause in PAUSES {
            let error = match self.inner.get(path).await {
                Err(error) if may_pass(&error) => error,
                answer => return answer,
            };
            place = place.or_else(|| self.pausing.try_take(&share));
            if place.is_none() {
                return Err(error);
            }
            tracing::debug!(%path, %error, ?pause, "the checksum database is asked again");
            sleep(pause).await;
        }
        self.inner.get(path).await
    }
}

/// Whether the database may know more in a moment.
fn may_pass(error: &ProxyError) -> bool {
    match error.checksum_error() {
        Some(ChecksumError::Behind { .. }) => true,
        Some(ChecksumError::Unavailable { error, .. }) => match error {
            FetchError::Broken { .. } => true,
            FetchError::Status { reply, .. } => reply.status >= 500,
            _ => false,
        },
        _ => false,
    }
}
