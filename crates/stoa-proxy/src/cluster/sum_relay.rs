//! The files of a checksum database, asked for once by all nodes of a cluster.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_cache::{Cache, CacheOptions, Flights, LostError};
use stoa_fetch::{Context, FetchError, SourceName};
use stoa_sumdb::{KeyName, RemotePath};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{
    owner_key::OwnerKey,
    peer::{Peers, is_answer},
    peer_metrics::PeerMetrics,
    peer_sources::ASKING,
};
use crate::{SumFiles, weights};

/// For how long a file is kept for other nodes. What never changes is kept by those who have verified it,
const KEPT: Duration = Duration::from_secs(600);
/// and so is this much of it, in bytes.
const KEPT_BYTES: u64 = 16 << 20;
/// The head of a database is another one in a moment.
const LATEST_KEPT: Duration = Duration::from_secs(5);
/// Reads at a time.
const READS: usize = 8192;

/// Reads each file of a checksum database from the node that owns it, which reads it once from the database, and at last from
/// the database itself.
///
/// Whoever reads verifies what it gets, so that no node has to believe another.
pub struct SumRelay {
    name: KeyName,
    own: OwnFiles,
    peers: Arc<dyn Peers>,
    metrics: PeerMetrics,
}

/// The files as this node reads them: for itself, and for the nodes that take it for their owner.
#[derive(Clone)]
pub struct OwnFiles {
    files: Arc<dyn SumFiles>,
    kept: Arc<Cache<RemotePath, Bytes>>,
    latest: Arc<Cache<RemotePath, Bytes>>,
    reads: Arc<Flights<RemotePath, (), Bytes, FetchError>>,
}

impl OwnFiles {
    /// Reads from `files`. Reads run on `tasks`, whose owner waits for them at shutdown.
    pub fn new(files: Arc<dyn SumFiles>, tasks: TaskTracker) -> Self {
        let cache = |bytes, age| {
            let weigh = |path: &RemotePath, data: &Bytes| weights::of_remote_path(path) + data.len();
            Arc::new(Cache::weighed_by(CacheOptions::new(bytes).max_age(age), weigh))
        };
        Self {
            files,
            kept: cache(KEPT_BYTES, KEPT),
            latest: cache(1 << 20, LATEST_KEPT),
            reads: Arc::new(Flights::new(tasks, READS)),
        }
    }

    /// The file at `path`: as it was read a moment ago, or from the database, once for all who want it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn read(&self, path: &RemotePath, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let kept = match path {
            RemotePath::Latest => &self.latest,
            RemotePath::Lookup(_) | RemotePath::Tile(_) => &self.kept,
        };
        if let Some(known) = kept.get(path) {
            return Ok(known.value);
        }
        let work = |()| {
            let (files, kept, path, context) = (
                Arc::clone(&self.files),
                Arc::clone(kept),
                path.clone(),
                context.clone(),
            );
            async move {
                let data = files.read(&path, limit, &context).await?;
                kept.put(path, data.clone());
                Ok(data)
            }
        };
        let overloaded = |reason: String| FetchError::Overloaded {
            source_name: SourceName::new("this node"),
            reason,
            retry_after: None,
        };
        let flight = self.reads.join(path, || (), work);
        let flight = flight.map_err(|error| overloaded(error.to_string()))?;
        match flight.wait().await {
            Ok(landed) => landed.result,
            Err(LostError) => Err(overloaded(
                "a read panicked or was dropped; see the log".to_owned(),
            )),
        }
    }
}

impl SumRelay {
    /// Asks the owners that `peers` name for files of the database `name` before `own`.
    pub fn new(name: KeyName, own: OwnFiles, peers: Arc<dyn Peers>, metrics: PeerMetrics) -> Self {
        Self {
            name,
            own,
            peers,
            metrics,
        }
    }
}

#[async_trait]
impl SumFiles for SumRelay {
    async fn read(&self, path: &RemotePath, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let key = OwnerKey::of_database(self.name.as_str(), path);
        let began = Instant::now();
        for owner in self.peers.owners(&key) {
            let answer = owner
                .ask_database(self.name.as_str(), &path.to_string(), limit)
                .await;
            match answer {
                Ok(data) => {
                    self.metrics.question("sumdb", "answered");
                    return Ok(data);
                }
                Err(error) if is_answer(&error) => {
                    self.metrics.question("sumdb", "refused");
                    return Err(error);
                }
                Err(error) => {
                    self.metrics.question("sumdb", "failed");
                    tracing::debug!(%path, %owner, %error, "a node cannot be asked for a checksum");
                }
            }
            if began.elapsed() >= ASKING {
                break;
            }
        }
        self.own.read(path, limit, context).await
    }
}

impl fmt::Display for SumRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "owner({}) > {}", self.peers, self.own.files)
    }
}

impl fmt::Debug for SumRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SumRelay({} at {self})", self.name)
    }
}

impl fmt::Debug for OwnFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnFiles({})", self.files)
    }
}
