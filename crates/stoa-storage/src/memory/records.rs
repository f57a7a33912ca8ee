//! Records in memory.

use bytes::Bytes;

use super::contents::Contents;
use super::shelves::{Shelves, place};
use crate::error::StorageError;
use crate::record_name::RecordName;
use crate::records;

impl Shelves {
    pub(super) fn write_record(&self, name: &RecordName, content: &Bytes) -> Result<(), StorageError> {
        self.replace_record(&mut self.contents.lock(), name, content)
    }

    pub(super) fn swap_record(
        &self,
        name: &RecordName,
        old: Option<&[u8]>,
        new: &Bytes,
    ) -> Result<bool, StorageError> {
        let mut contents = self.contents.lock();
        if contents.records.get(name).map(AsRef::as_ref) != old {
            return Ok(false);
        }
        self.replace_record(&mut contents, name, new)?;
        Ok(true)
    }

    /// Stores a record in place of another, whose room it may take.
    fn replace_record(
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
            return Err(self.full(contents.used, name));
        }
        // A copy, because the bytes given may be a small part of a large buffer.
        let copy = Bytes::copy_from_slice(content);
        contents.records.insert(name.clone(), copy);
        contents.used = others + len;
        Ok(())
    }
}
