//! Hashes of tiles.

use super::tile::Place;
use super::{Hash, HashReader, Node, Tile, TileError};

impl Tile {
    /// The hash of a node from the data of a tile that has it (`tlog.HashFromTile`).
    ///
    /// The data is taken as it is: whether it belongs to a tree is [`TilePlan`](super::TilePlan)'s to say.
    ///
    /// # Errors
    ///
    /// [`TileError::Length`] if the data is too short, [`TileError::NotInTile`] if the node is not in the tile.
    pub fn hash(self, data: &[u8], node: Node) -> Result<Hash, TileError> {
        if data.len() < self.hash_bytes() {
            let given = data.len();
            return Err(TileError::Length { tile: self, given });
        }
        let place = Place::of(self.height(), node);
        let is_here = place.tile.level() == self.level()
            && place.tile.number() == self.number()
            && place.tile.width() <= self.width();
        let bytes = place.hashes.start * Hash::LEN..place.hashes.end * Hash::LEN;
        data.get(bytes)
            .filter(|_| is_here)
            .and_then(subtree_hash)
            .ok_or(TileError::NotInTile { node, tile: self })
    }

    /// The data of a tile, from the hashes of a log (`tlog.ReadTileData`).
    ///
    /// # Errors
    ///
    /// [`TileError::NoHashes`] for data tiles and beyond the largest tree, [`TileError::Missing`] if a hash is not
    /// held.
    pub fn read(self, reader: &impl HashReader) -> Result<Vec<u8>, TileError> {
        let mut data = Vec::new();
        for position in 0..self.width() {
            let node = self.node(position).ok_or(TileError::NoHashes { tile: self })?;
            data.extend_from_slice(reader.hash(node)?.as_bytes());
        }
        Ok(data)
    }
}

/// The hash of a complete subtree over hashes, whose number is a power of two (`tlog.tileHash`). `None` if it is not.
pub(super) fn subtree_hash(hashes: &[u8]) -> Option<Hash> {
    if let Ok(hash) = hashes.try_into() {
        return Some(Hash::from_bytes(hash));
    }
    if hashes.is_empty() || !hashes.len().is_multiple_of(2 * Hash::LEN) {
        return None;
    }
    let (left, right) = hashes.split_at(hashes.len() / 2);
    Some(Hash::of_node(subtree_hash(left)?, subtree_hash(right)?))
}
