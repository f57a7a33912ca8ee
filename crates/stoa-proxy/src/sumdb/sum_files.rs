//! The port: where the files of a checksum database are read.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::{Context, FetchError, SmallFiles};
use stoa_sumdb::RemotePath;

/// Where the files of a checksum database are read. Who reads them verifies them, so that nobody on the way is believed.
#[async_trait]
pub trait SumFiles: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The file at `path`, of `limit` bytes at most.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] only if the database says that there is none.
    async fn read(&self, path: &RemotePath, limit: u64, context: &Context) -> Result<Bytes, FetchError>;
}

#[async_trait]
impl SumFiles for SmallFiles {
    async fn read(&self, path: &RemotePath, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let below = path.to_string();
        Self::read(self, below.trim_start_matches('/'), limit, context).await
    }
}
