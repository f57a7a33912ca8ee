//! Large files beside the modules.

use std::fmt;

use async_trait::async_trait;

use crate::blob::Blob;
use crate::error::StorageError;
use crate::record_name::RecordName;
use crate::stage::Stage;

/// Large named files beside the modules that never change: release archives, for one.
///
/// They come from [`Storage::artifacts`](crate::Storage::artifacts), and live and die with that storage. Like files of
/// modules they arrive piece by piece and can be read meanwhile; unlike those they belong to no version, so that no listing has
/// them. Their names are those of [`Records`](crate::Records), and callers see to it that no record has the name of an artifact.
///
/// # Contract
///
/// [`conformance::run`](crate::conformance::run) checks these rules.
///
/// * **Atomic.** An artifact is visible whole or not at all, also after a crash.
/// * **First content wins.** A name never changes its content while it has some, whichever process writes.
/// * **Durable.** What [`Stage::commit`] reports as done survives power loss, as far as the medium can remember at all.
/// * **Stable readers.** A [`Blob`] once handed out keeps reading the same bytes.
/// * **Apart.** No artifact is a module's file, and none shows up among modules.
/// * **Bytes as they came.** Content is neither parsed nor checked; the hash that a commit may bring is ignored.
/// * **Cancellable.** Dropping a future never leaves a part visible.
#[async_trait]
pub trait Artifacts: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The artifact, or `None` if there is none.
    async fn open(&self, name: &RecordName) -> Result<Option<Blob>, StorageError>;

    /// Begins an artifact that arrives piece by piece. Whether the name has content is only decided by the commit.
    async fn stage(&self, name: &RecordName) -> Result<Box<dyn Stage>, StorageError>;

    /// Removes an artifact for good: it is damaged, or room is needed. Says whether there was one.
    async fn remove(&self, name: &RecordName) -> Result<bool, StorageError>;
}
