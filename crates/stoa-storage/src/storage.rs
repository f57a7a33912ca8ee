//! The port.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion};

use crate::artifacts::Artifacts;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::FileKey;
use crate::link::Link;
use crate::put::Put;
use crate::records::Records;
use crate::stage::Stage;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// Where modules are kept.
///
/// # Contract
///
/// Every adapter and decorator obeys these rules; [`conformance::run`](crate::conformance::run) checks them.
///
/// * **Atomic.** A file is visible whole or not at all, also after a crash or power loss.
/// * **First content wins.** A key never changes its content while it has some, whichever process writes.
/// * **Durable.** What [`put`](Storage::put) and [`Stage::commit`] report as done survives power loss, as far
///   as the medium can remember at all.
/// * **Independent.** `.info`, `.mod` and `.zip` of a version come and go one by one.
/// * **Stable readers.** A [`Blob`] or [`ReadAt`](crate::ReadAt) once handed out keeps reading the same bytes,
///   whatever happens to the key.
/// * **Bytes as they came.** Content is neither parsed nor checked; callers verify before they store.
/// * **Bounded.** No call returns or holds more than its arguments allow, except
///   [`versions`](Storage::versions), which is bounded by one module.
/// * **Cancellable.** Dropping a future never leaves a partial file visible; the operation itself may still
///   complete.
///
/// # Rules for decorators
///
/// * Hold the inner storage as `Arc<dyn Storage>`, and print as `name(options) > inner`.
/// * No method has a default, so that each layer decides about each: implement under
///   `#[deny(clippy::missing_trait_methods)]`.
/// * Pass errors on unchanged, and never turn one into "not stored": that would fetch again what is there.
/// * A layer that remembers may remember content and its `ETag` (until [`quarantine`](Storage::quarantine) or
///   [`remove`](Storage::remove) of that key passes through it), but not absence: other processes store too.
/// * Wrap what [`stage`](Storage::stage) returns if [`put`](Storage::put) is wrapped: both are ways in.
#[async_trait]
pub trait Storage: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The stored file, or `None` if there is none.
    async fn open(&self, key: &FileKey) -> Result<Option<Blob>, StorageError>;

    /// Stores a whole small file.
    async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError>;

    /// Begins a file that arrives piece by piece. Whether the key has content is only decided by the commit.
    async fn stage(&self, key: &FileKey) -> Result<Box<dyn Stage>, StorageError>;

    /// The hash that was recorded with the stored zip of `target`; `None` if there is no zip, or none was.
    ///
    /// A zip without a hash is possible: its writer had none, or died between the two. The record says what
    /// the zip was when it was stored; whether it still is, only reading the zip can tell.
    async fn h1(&self, target: &ModuleVersion) -> Result<Option<H1>, StorageError>;

    /// The versions of `module` with at least one stored file, in semantic version order. Files the storage
    /// did not write are passed over.
    async fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError>;

    /// Up to `limit` modules with at least one stored file that come after `after`, in the order of their places:
    /// of the text `<escaped module>/@v/`, byte by byte. A bucket lists its keys in this order.
    ///
    /// Fewer than `limit` mean that there are no more. A walk that feeds the last path of a page into the next
    /// call meets every module that was there all along exactly once.
    async fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError>;

    /// Up to `limit` stored files that come after `after`, in the order of the text of their keys, byte by byte, with
    /// what a listing says of them. Pages are walked as those of [`modules`](Storage::modules) are.
    async fn files(&self, after: Option<&FileKey>, limit: usize) -> Result<Vec<StoredFile>, StorageError>;

    /// Takes a damaged file out of service, and the recorded hash with a zip. Says whether there was one.
    ///
    /// Where there is a place for it, the bytes are kept aside for inspection. The key is free afterwards.
    async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError>;

    /// Removes a sound file for good, to make room, and the recorded hash with a zip. Says whether there was one.
    ///
    /// Whoever reads it goes on reading as far as the medium lets him, which a disk does to the end.
    async fn remove(&self, key: &FileKey) -> Result<bool, StorageError>;

    /// Whether the storage can be written right now; for readiness checks, so bounded in cost.
    async fn check(&self) -> Result<(), StorageError>;

    /// Where a user of this machine finds the file (or would, if it were stored), if that is a local file.
    fn location(&self, key: &FileKey) -> Option<PathBuf>;

    /// A URL at which anybody can read the stored file for `lifetime` without asking this process, where the storage has
    /// such. Whether the file is stored, only its reader learns.
    async fn link(&self, key: &FileKey, lifetime: Duration) -> Result<Option<Link>, StorageError>;

    /// What services remember beside the modules. Each call returns the same records.
    fn records(&self) -> Arc<dyn Records>;

    /// Large files beside the modules. Each call returns the same artifacts.
    fn artifacts(&self) -> Arc<dyn Artifacts>;
}
