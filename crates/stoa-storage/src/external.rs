//! Modules in a server that speaks Athens' external storage protocol.

mod answer;
mod both;
mod catalog;
mod fetched;
mod listing;
mod names;
mod options;
mod quarantine;
mod reader;
mod remote;
mod save;
mod saved;
mod saver;
mod stage;
mod turns;
mod upload;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_dispatch::Pool;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::both::Both;
pub use self::options::{Authorization, ExternalOptions, LANE, lane_settings};
use self::remote::Remote;
use self::saver::Saver;
pub use self::saver::Settled;
use self::stage::ExternalStage;
use self::turns::Turns;
use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::link::Link;
use crate::put::Put;
use crate::records::Records;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// A storage in a server that speaks Athens' external storage protocol, beside a local one.
///
/// # How a file comes in
///
/// The protocol saves the three files of a version at once, and files come one by one. So they are stored locally first,
/// durably; that is when [`put`](Storage::put) and [`commit`](Stage::commit) return. Once all three of a version are
/// there, they are saved to the remote in the background, and removed here when it has confirmed that. What could not be
/// saved stays here and is served from here: it is saved with the next success, or by [`settle`](Self::settle), which the
/// owner calls at the start. Versions of which nobody asked for a zip stay here for good.
///
/// # What the protocol lacks
///
/// * It has no conditional save. First content wins among the users of this value, because the remote is asked first and
///   one changes a version at a time. Two processes that store the same version in the same second may both be confirmed.
///   One local storage is for one such process.
/// * It deletes whole versions. [`quarantine`](Storage::quarantine) brings the other files back first.
/// * It has no place for hashes and records: they are in the local storage. Another process finds a zip without its hash.
/// * It lists no sizes and no dates: those of versions that were saved from here are remembered in the local storage,
///   others cost a question each, and files whose server gives no date are from 1970.
/// * A catalog, from which [`modules`](Storage::modules) and [`files`](Storage::files) are made, is Athens' own but no part
///   of the protocol. Without one they fail with [`RemoteFault::NoCatalog`](crate::RemoteFault::NoCatalog).
/// * Open files are read on by asking again. A file that was deleted there meanwhile breaks off, and one that was replaced
///   is told from the old one by length, entity tag and date alone.
///
/// Nothing is listed on the path of a hit: a file that is not here costs one question.
#[derive(Clone, Debug)]
pub struct ExternalStorage {
    both: Arc<Both>,
    saver: Arc<Saver>,
}

impl ExternalStorage {
    /// The storage in `local` and in the remote of `options`, which is asked through `pool`. Uploads run on `tasks` and
    /// end at once with `stop`; what they had not finished waits in `local`.
    pub fn new(
        local: Arc<dyn Storage>,
        pool: Pool,
        options: &ExternalOptions,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, StorageError> {
        let both = Arc::new(Both {
            local,
            remote: Arc::new(Remote::new(pool, options)?),
            turns: Arc::new(Turns::default()),
        });
        let saver = Arc::new(Saver::new(Arc::clone(&both), tasks, stop));
        Ok(Self { both, saver })
    }

    /// Saves every version that waits with all of its files, and removes what a crash left of versions that were saved.
    /// Ends with an error where the remote is away.
    pub async fn settle(&self) -> Result<Settled, StorageError> {
        self.saver.settle().await
    }
}

impl fmt::Display for ExternalStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "external({}) > {}", self.both.remote, self.both.local)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for ExternalStorage {
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError> {
        self.both.open(key).await
    }

    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        // Whoever saves the version has the turn, and may take a while.
        if self.both.local.open(key).await?.is_some() {
            return Ok(Put::Existed);
        }
        let _turn = self.both.turns.take(&key.target).await;
        if self.both.has(key).await? {
            return Ok(Put::Existed);
        }
        let put = self.both.local.put(key, content).await?;
        if put == Put::Stored {
            self.saver.soon(&key.target);
        }
        Ok(put)
    }

    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError> {
        let inner = self.both.local.stage(key).await?;
        let (both, saver) = (Arc::clone(&self.both), Arc::clone(&self.saver));
        Ok(Box::new(ExternalStage::new(both, saver, key.clone(), inner)))
    }

    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError> {
        self.both.h1(target).await
    }

    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        listing::versions(&self.both, module).await
    }

    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        listing::modules(&self.both, after, limit).await
    }

    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError> {
        listing::files(&self.both, after, limit).await
    }

    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        quarantine::take_out(&self.both, key, quarantine::Fate::Kept).await
    }

    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        quarantine::take_out(&self.both, key, quarantine::Fate::Gone).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.both.local.check().await?;
        self.both.remote.check().await
    }

    fn location(&self, _key: &FileKey) -> Option<PathBuf> {
        None
    }

    async fn link(&self, _key: &FileKey, _lifetime: Duration) -> Result<Option<Link>, StorageError> {
        Ok(None)
    }

    fn records(&self) -> Arc<dyn Records> {
        self.both.records()
    }

    fn artifacts(&self) -> Arc<dyn Artifacts> {
        self.both.local.artifacts()
    }
}
