//! What the client needs from outside.

use async_trait::async_trait;

use super::RemotePath;

/// An error of an adapter.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Everything outside of one client: the network, a cache and the head that was seen last (`sumdb.ClientOps`).
///
/// A port belongs to one database. Nothing it returns is believed: what is read is checked before it is used, and
/// only what was checked is written.
///
/// # Contract
///
/// * Methods may be called at the same time, and their futures may be dropped at any time.
/// * A cache is a convenience: it may lose what it was given. What it returns that is wrong is fetched anew.
/// * The latest head is no cache: it is how a database that forgets or forks is found out. It must outlive the
///   process.
#[async_trait]
pub trait Port: Send + Sync {
    /// Reads what the database answers to a path.
    ///
    /// Reading must stop with an error after [`RemotePath::max_bytes`]: the client refuses longer answers, but by
    /// then they are in memory.
    ///
    /// # Errors
    ///
    /// [`RemoteError::NotFound`] for the statuses 404 and 410, [`RemoteError::Failed`] for anything else but a whole
    /// answer with status 200.
    async fn read_remote(&self, path: &RemotePath) -> Result<Vec<u8>, RemoteError>;

    /// Reads a lookup or a tile from the cache; `None` if it is not there or cannot be read.
    async fn read_cache(&self, path: &RemotePath) -> Option<Vec<u8>>;

    /// Writes a lookup or a tile that was checked to the cache.
    async fn write_cache(&self, path: &RemotePath, data: &[u8]);

    /// Reads the signed note of the head that was stored last, empty if there is none yet.
    ///
    /// # Errors
    ///
    /// If it cannot be said what is stored.
    async fn read_latest(&self) -> Result<Vec<u8>, BoxError>;

    /// Stores `new` in one step if what is stored is `old`, which is empty if nothing is.
    ///
    /// # Errors
    ///
    /// If it cannot be stored.
    async fn swap_latest(&self, old: &[u8], new: &[u8]) -> Result<Swap, BoxError>;
}

/// What came of [`Port::swap_latest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The new head is stored.
    Done,
    /// Another head than the old one was stored, which still is.
    Conflict,
}

/// Why there is no answer of the database.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The database says that it has no such record or tile.
    #[error("not found: {message}")]
    NotFound {
        /// The text of its answer.
        message: String,
        /// It says that there was one: the status 410.
        gone: bool,
    },
    /// There was no answer, or none that was complete and good.
    #[error(transparent)]
    Failed(BoxError),
}
