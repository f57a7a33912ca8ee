//! Bytes at hand, read as files are.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;

use crate::stage::ReadAt;

/// Bytes at hand.
#[derive(Debug)]
pub(super) struct Held(pub(super) Bytes);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for Held {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        Ok(self.0.slice(start..start.saturating_add(len).min(self.0.len())))
    }
}
