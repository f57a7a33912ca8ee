//! What the client of a database stands on: its server, and what is kept of its answers.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_cache::{Cache, CacheOptions, Flights, LostError};
use stoa_dispatch::Share;
use stoa_fetch::{Caller, Context, FetchError, share_of};
use stoa_storage::{RecordName, Records};
use stoa_sumdb::{BoxError, KeyName, Port, RemoteError, RemotePath, Swap, TileLevel};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::sum_files::SumFiles;
use crate::{Cause, ProxyError, weights};

/// How long a tile that was read, and has not been verified yet, is shared.
const FRESH: Duration = Duration::from_secs(30);
/// Memory for such tiles, in bytes; one has 8 KiB.
const FRESH_BYTES: u64 = 4 << 20;

/// So many paths are read at once. Each lookup reads a handful of tiles.
const READS: usize = 8192;

/// Whose part of the questions to a database one takes: a lookup is for a module, tiles and heads are for all.
pub(super) fn share_of_path(path: &RemotePath) -> Share {
    match path {
        RemotePath::Lookup(module) => share_of(module.path()),
        RemotePath::Latest | RemotePath::Tile(_) => Share::NONE,
    }
}

/// Where the answers of a database come from.
#[derive(Clone, Debug)]
pub enum Remote {
    /// Its server, or a mirror.
    Online(Arc<dyn SumFiles>),
    /// Nobody is asked.
    Offline,
}

/// Reads a database, and keeps its answers as records of a storage, below `sumdb/NAME/`.
///
/// One path is read once by all who want it at the same time. A tile is written when it has been verified, and that may
/// come after others have asked for it: until then what was read is kept in memory.
pub struct DatabaseAdapter {
    name: KeyName,
    remote: Remote,
    records: Arc<dyn Records>,
    reads: Flights<RemotePath, (), Bytes, FetchError>,
    /// Tiles that were read, and not verified yet.
    fresh: Arc<Cache<RemotePath, Bytes>>,
}

impl DatabaseAdapter {
    /// The database of this name. Reads run on `tasks`, whose owner waits for them at shutdown.
    pub fn new(name: KeyName, remote: Remote, records: Arc<dyn Records>, tasks: TaskTracker) -> Self {
        let options = CacheOptions::new(FRESH_BYTES).max_age(FRESH);
        let weigh = |path: &RemotePath, data: &Bytes| weights::of_remote_path(path) + data.len();
        Self {
            name,
            remote,
            records,
            reads: Flights::new(tasks, READS),
            fresh: Arc::new(Cache::weighed_by(options, weigh)),
        }
    }

    /// Whether the answer is kept.
    pub(super) async fn is_cached(&self, path: &RemotePath) -> bool {
        self.read_cache(path).await.is_some()
    }

    /// Forgets what has not been verified: something did not hold.
    pub(super) fn forget_fresh(&self) {
        self.fresh.clear();
    }

    fn record(&self, path: &str) -> Result<RecordName, BoxError> {
        Ok(format!("sumdb/{}{path}", self.name).parse()?)
    }

    async fn read(&self, path: &RemotePath) -> Result<Bytes, ProxyError> {
        let Remote::Online(files) = &self.remote else {
            return Err(Cause::NotStored {
                what: format!("{}{path} of the checksum database", self.name),
            }
            .into());
        };
        let work = |()| {
            let (files, fresh, path) = (Arc::clone(files), Arc::clone(&self.fresh), path.clone());
            async move {
                // Whoever was just ahead may have read it already.
                if let Some(known) = fresh.get(&path) {
                    return Ok(known.value);
                }
                let limit = path.max_bytes() as u64;
                // The go command waits for a checksum, whatever class the module has that it is of.
                let context = Context::interactive(Caller::Stoa).in_share(share_of_path(&path));
                let data = files.read(&path, limit, &context).await?;
                if matches!(path, RemotePath::Tile(tile) if tile.level() != TileLevel::Data) {
                    fresh.put(path, data.clone());
                }
                Ok(data)
            }
            .in_current_span()
        };
        let landed = self.reads.join(path, || (), work)?.wait().await;
        let landed = landed
            .map_err(|LostError| ProxyError::internal("a read panicked or was dropped; see the log"))?;
        Ok(landed.result?)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Online(files) => files.fmt(f),
            Self::Offline => f.write_str("offline"),
        }
    }
}

impl fmt::Display for DatabaseAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remote.fmt(f)
    }
}

impl fmt::Debug for DatabaseAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseAdapter({} at {})", self.name, self.remote)
    }
}

#[async_trait]
impl Port for DatabaseAdapter {
    async fn read_remote(&self, path: &RemotePath) -> Result<Vec<u8>, RemoteError> {
        match self.read(path).await {
            Ok(data) => Ok(data.into()),
            Err(error) => match error.cause() {
                Cause::Fetch(FetchError::NotFound(not_found)) => {
                    let said = not_found.reply.as_ref().map(|reply| &reply.body[..]);
                    let said = said.and_then(|body| std::str::from_utf8(body).ok());
                    Err(RemoteError::NotFound {
                        message: said.unwrap_or(&not_found.reason).to_owned(),
                        gone: not_found.gone,
                    })
                }
                _ => Err(RemoteError::Failed(Box::new(error))),
            },
        }
    }

    async fn read_cache(&self, path: &RemotePath) -> Option<Vec<u8>> {
        let name = self.record(&path.to_string()).ok()?;
        match self.records.read(&name).await {
            Ok(data) => data.map(Into::into),
            Err(error) => {
                tracing::warn!(%path, error = %error.report(), "what is kept of a checksum database cannot be read");
                None
            }
        }
    }

    async fn write_cache(&self, path: &RemotePath, data: &[u8]) {
        let written = match self.record(&path.to_string()) {
            Ok(name) => {
                let written = self.records.write(&name, Bytes::copy_from_slice(data)).await;
                written.map_err(|error| BoxError::from(error.report().to_string()))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(%path, %error, "an answer of a checksum database cannot be kept");
        }
    }

    async fn read_latest(&self) -> Result<Vec<u8>, BoxError> {
        let stored = self.records.read(&self.record("/latest")?).await?;
        Ok(stored.map(Into::into).unwrap_or_default())
    }

    async fn swap_latest(&self, old: &[u8], new: &[u8]) -> Result<Swap, BoxError> {
        let name = self.record("/latest")?;
        let old = (!old.is_empty()).then_some(old);
        let done = self.records.swap(&name, old, Bytes::copy_from_slice(new)).await?;
        Ok(if done { Swap::Done } else { Swap::Conflict })
    }
}
