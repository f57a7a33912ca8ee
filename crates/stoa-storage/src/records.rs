//! What services remember beside the modules.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::StorageError;
use crate::record_name::RecordName;

/// The most bytes a record may have: 16 MiB, so that it can be held in memory.
pub const MAX_RECORD: usize = 16 << 20;

/// Small named files beside the modules: what services remember across restarts.
///
/// Unlike modules, records change. They come from [`Storage::records`](crate::Storage::records), and live and die
/// with that storage.
///
/// # Contract
///
/// [`conformance::run`](crate::conformance::run) checks these rules.
///
/// * **Atomic.** A record is read as it was written once, never in part or mixed, also after a crash.
/// * **Durable.** What [`write`](Records::write) and [`swap`](Records::swap) report as done survives power loss, as
///   far as the medium can remember at all.
/// * **In one step.** Between the look and the change of a swap comes no write and no other swap, of whichever process.
/// * **Apart.** No record is a module's file, and none shows up among modules.
/// * **Bounded.** A record of more than [`MAX_RECORD`] bytes is refused.
/// * **Cancellable.** Dropping a future leaves the old content or the new one.
///
/// Callers see to it that no name is a directory of another (`a/b` and `a/b/c`): which of the two can be stored then
/// is up to the adapter.
#[async_trait]
pub trait Records: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The content, or `None` if there is none.
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError>;

    /// Stores the content, in place of any other.
    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError>;

    /// Stores `new` in one step if the content is `old` (`None`: there is none), and says whether it did.
    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError>;
}

/// Refuses a record that is too long, which would be at `place`.
pub(crate) fn check_len(place: impl FnOnce() -> std::path::PathBuf, len: u64) -> Result<(), StorageError> {
    let max = MAX_RECORD as u64;
    if len <= max {
        return Ok(());
    }
    Err(StorageError::too_large(&place(), len, max))
}
