//! The innermost layer: nothing that the log does not vouch for.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_dispatch::{Permits, Quota, Urgency};
use stoa_sumdb::{Client, ClientError, KeyName, RemotePath, VerifierKey};
use tokio::time::timeout;

use super::{
    ChecksumDatabase, ChecksumError, DatabaseAdapter, SumAnswer, SumWatch, client_failure::failure,
    database_adapter::share_of_path,
};
use crate::{Cause, Outcome, ProxyError};

/// So many questions are asked at once. Each reads up to a handful of tiles, which must fit into the queue of one host.
const AT_ONCE: usize = 32;
/// So many may wait for a permit; more are refused at once.
const WAITING: usize = 4096;
/// How long a question may wait for a permit.
const PATIENCE: Duration = Duration::from_secs(60);
/// When a refused client may come back.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Answers what the log of the database vouches for, from what is kept or from its server.
///
/// When the server is away, what is kept still stands: lookups and tiles never change, and the latest head is the one
/// that was seen last.
pub struct VerifiedDatabase {
    client: Client,
    port: Arc<DatabaseAdapter>,
    permits: Permits,
    waiting: Quota,
    watch: Arc<dyn SumWatch>,
}

impl VerifiedDatabase {
    /// The database with this key, through `port`. Alarms are told to `watch`, and logged.
    pub fn new(key: VerifierKey, port: DatabaseAdapter, watch: Arc<dyn SumWatch>) -> Self {
        let port = Arc::new(port);
        Self {
            client: Client::new(Arc::clone(&port) as _, key),
            port,
            permits: Permits::new(AT_ONCE),
            waiting: Quota::new(WAITING),
            watch,
        }
    }

    fn name(&self) -> &KeyName {
        self.client.name()
    }

    /// What is kept is answered at once, whatever waits for the server.
    async fn answer(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        if self.is_kept(path).await {
            return self.ask(path, Outcome::Hit).await;
        }
        // The database may take long for modules that it has to find first: the questions of one share leave room for others.
        let share = share_of_path(path);
        let Some(_waiting) = self.waiting.try_take(&share) else {
            let busy = format!("{WAITING} questions wait for the checksum database already");
            return Err(ProxyError::overloaded(busy, RETRY_AFTER));
        };
        let urgency = Urgency::default();
        let Ok(_permit) = timeout(PATIENCE, self.permits.acquire_for(&share, &urgency)).await else {
            let busy = format!("{AT_ONCE} questions to the checksum database have taken {PATIENCE:?}");
            return Err(ProxyError::overloaded(busy, PATIENCE / 2));
        };
        self.ask(path, Outcome::Miss).await
    }

    async fn ask(&self, path: &RemotePath, outcome: Outcome) -> Result<SumAnswer, ProxyError> {
        let error = match self.verified(path, outcome).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        self.port.forget_fresh();
        let report = match &error {
            ClientError::Fork(fork) => Some(fork.report()),
            _ => None,
        };
        let error = failure(self.name(), path, error);
        self.shout(path, &error, report);
        Err(error)
    }

    async fn verified(&self, path: &RemotePath, outcome: Outcome) -> Result<SumAnswer, ClientError> {
        match path {
            RemotePath::Latest => {
                let head = self.client.refresh().await?;
                Ok(SumAnswer::new(Bytes::copy_from_slice(&head.note), outcome))
            }
            RemotePath::Lookup(module) => {
                let lookup = self.client.lookup(module).await?;
                Ok(SumAnswer {
                    sums: Some(Arc::new(lookup.sums)),
                    ..SumAnswer::new(lookup.answer, outcome)
                })
            }
            RemotePath::Tile(tile) => Ok(SumAnswer::new(self.client.tile(*tile).await?, outcome)),
        }
    }

    /// Whether nobody has to be asked.
    async fn is_kept(&self, path: &RemotePath) -> bool {
        match path {
            RemotePath::Latest => false,
            RemotePath::Tile(tile) if !tile.is_full() => {
                self.port.is_cached(path).await
                    || self.port.is_cached(&RemotePath::Tile(tile.to_full())).await
            }
            path => self.port.is_cached(path).await,
        }
    }

    /// The head that was seen last, in place of the latest one.
    async fn last_head(&self) -> Option<SumAnswer> {
        let head = self.client.known_head().await.ok()??;
        Some(SumAnswer::new(Bytes::copy_from_slice(&head.note), Outcome::Stale))
    }

    /// Says it loud: a database that lies is for people to look into.
    fn shout(&self, path: &RemotePath, error: &ProxyError, report: Option<String>) {
        if let Some(ChecksumError::Alarm { alarm, reason, .. }) = error.checksum_error() {
            let report = report.unwrap_or_default();
            tracing::error!(
                database = %self.name(), alarm = alarm.as_str(), %path, %reason, report,
                "SECURITY ERROR: the checksum database is not believed"
            );
            self.watch.alarm(*alarm);
        }
    }
}

impl fmt::Display for VerifiedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "verified({}) > {}", self.name(), self.port)
    }
}

impl fmt::Debug for VerifiedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedDatabase")
            .field("client", &self.client)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumDatabase for VerifiedDatabase {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        let error = match self.answer(path).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_away = matches!(error.cause(), Cause::NotStored { .. } | Cause::Overloaded { .. })
            || matches!(error.checksum_error(), Some(ChecksumError::Unavailable { .. }));
        match path {
            RemotePath::Latest if is_away => self.last_head().await.ok_or(error),
            _ => Err(error),
        }
    }
}
