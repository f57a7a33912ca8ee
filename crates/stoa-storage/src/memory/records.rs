//! Records in memory.

use async_trait::async_trait;
use bytes::Bytes;

use super::contents::Contents;
use super::{MemoryStorage, place};
use crate::error::StorageError;
use crate::record_name::RecordName;
use crate::records::{self, Records};

#[async_trait]
impl Records for MemoryStorage {
    async fn read(&self, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
        Ok(self.contents.lock().records.get(name).cloned())
    }

    async fn write(&self, name: &RecordName, content: Bytes) -> Result<(), StorageError> {
        self.replace(&mut self.contents.lock(), name, &content)
    }

    async fn swap(&self, name: &RecordName, old: Option<&[u8]>, new: Bytes) -> Result<bool, StorageError> {
        let mut contents = self.contents.lock();
        if contents.records.get(name).map(AsRef::as_ref) != old {
            return Ok(false);
        }
        self.replace(&mut contents, name, &new)?;
        Ok(true)
    }
}

impl MemoryStorage {
    /// Stores a record in place of another, whose room it may take.
    fn replace(
        &self,
        contents: &mut Contents,
        name: &RecordName,
        content: &Bytes,
    ) -> Result<(), StorageError> {
        let len = content.len() as u64;
        records::check_len(|| place(name), len)?;
        let older = contents.records.get(name).map_or(0, |older| older.len() as u64);
        let others = contents.used - older;
        if self.max_bytes.saturating_sub(others) < len {
            return Err(self.full(contents.used, &place(name)));
        }
        // A copy, because the bytes given may be a small part of a large buffer.
        let copy = Bytes::copy_from_slice(content);
        contents.records.insert(name.clone(), copy);
        contents.used = others + len;
        Ok(())
    }
}
