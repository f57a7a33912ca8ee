//! A log in memory.

use super::{Hash, HashReader, MissingHash, Node, RecordId, TreeHead, TreeSize, stored_hashes, tree_hash};

/// The hashes of a log, kept in memory in stored order: for small databases and tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    hashes: Vec<Hash>,
    size: TreeSize,
}

impl MemoryLog {
    /// The log without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a record with this content.
    pub fn append(&mut self, data: &[u8]) -> RecordId {
        self.append_hash(Hash::of_record(data))
    }

    /// Appends a record whose hash is known.
    pub fn append_hash(&mut self, record: Hash) -> RecordId {
        let id = RecordId::new(self.size.get().cast_signed());
        // A log in memory holds all hashes of its records and stays below the largest size.
        if let Ok(hashes) = stored_hashes(id, record, &*self)
            && let Some(size) = TreeSize::new(self.size.get() + 1)
        {
            self.hashes.extend(hashes);
            self.size = size;
        }
        id
    }

    /// How many records there are.
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// The head of the tree of the first `size` records.
    ///
    /// # Errors
    ///
    /// [`MissingHash`] if there are fewer.
    pub fn head_at(&self, size: TreeSize) -> Result<TreeHead, MissingHash> {
        let hash = tree_hash(size, self)?;
        Ok(TreeHead { size, hash })
    }
}

impl HashReader for MemoryLog {
    fn hash(&self, node: Node) -> Result<Hash, MissingHash> {
        usize::try_from(node.stored_index())
            .ok()
            .and_then(|index| self.hashes.get(index))
            .copied()
            .ok_or(MissingHash { node })
    }
}
