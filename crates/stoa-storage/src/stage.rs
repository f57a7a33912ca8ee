//! A file on its way into the storage.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_module::dirhash::H1;

use crate::error::StorageError;
use crate::put::Put;

/// A file that arrives piece by piece and becomes visible, whole and at once, when it is committed.
///
/// # Contract
///
/// * Nothing is visible under the key before [`commit`](Stage::commit) succeeds.
/// * Dropping a stage aborts it and leaves nothing behind.
/// * A stage whose write failed, or whose write future was dropped before it finished, is broken: further
///   writes and the commit fail, so that no file with a hole is ever published.
/// * Several stages of one key may be open at once, in any process; the first commit wins.
#[async_trait]
pub trait Stage: fmt::Debug + Send {
    /// Appends `chunk`. Each call costs a hop to another thread on disk: batch small pieces.
    async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError>;

    /// A view of the file as it grows: it sees every finished write, and stays valid after commit and abort.
    fn reader(&self) -> Arc<dyn ReadAt>;

    /// Publishes the file, durably; on [`Put::Existed`] the older content stays and this one is dropped.
    ///
    /// `h1` is the verified hash of a zip and is recorded with it; it is ignored for other files.
    /// A stored zip keeps its recorded hash; one without a hash takes it from a later commit of the same bytes.
    /// When the future is dropped the file is either published as a whole or not at all.
    async fn commit(self: Box<Self>, h1: Option<&H1>) -> Result<Put, StorageError>;

    /// Ends a file whose content was refused: nothing is published, and what the key has stays.
    ///
    /// Where there is a place for it, the bytes are kept aside for inspection, in place of those that were rejected
    /// before under the same key.
    async fn reject(self: Box<Self>) -> Result<(), StorageError>;
}

/// Reads at any offset, from any task, without a cursor.
#[async_trait]
pub trait ReadAt: fmt::Debug + Send + Sync {
    /// Up to `len` bytes from `offset`: fewer only where the file ends (or, of a growing file, has got to),
    /// none at or beyond that end.
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes>;
}
