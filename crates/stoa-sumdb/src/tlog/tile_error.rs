//! Why tiles cannot be read or believed.

use super::{MissingHash, Node, Tile, TreeHead, TreeSize};

/// Tiles that cannot be made, read or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// A hash was asked for that the tree does not have.
    #[error("node {node} is not in a tree of {size} records")]
    NotInTree {
        /// The node asked for.
        node: Node,
        /// The size of the tree.
        size: TreeSize,
    },
    /// A hash was asked of a tile that does not have it.
    #[error("node {node} is not in {tile}")]
    NotInTile {
        /// The node asked for.
        node: Node,
        /// The tile it was asked of.
        tile: Tile,
    },
    /// Hashes were asked of a tile that has none there: of records, or beyond the largest tree.
    #[error("{tile} has no hashes")]
    NoHashes {
        /// The tile.
        tile: Tile,
    },
    /// There is another number of tiles than were planned.
    #[error("{given} tiles where {expected} were planned")]
    Count {
        /// How many were planned.
        expected: usize,
        /// How many there are.
        given: usize,
    },
    /// A tile has another length than its hashes.
    #[error("{tile} has {given} bytes, not {}", tile.hash_bytes())]
    Length {
        /// The tile.
        tile: Tile,
        /// The length of its data.
        given: usize,
    },
    /// The tiles at the edge of the tree do not add up to its hash: at least one is wrong.
    #[error("tiles do not add up to the tree of {tree}")]
    WrongEdge {
        /// The tree.
        tree: TreeHead,
    },
    /// A tile is not the one that the tile above it names.
    #[error("{tile} is not the one of the tree of {tree}")]
    WrongTile {
        /// The tile.
        tile: Tile,
        /// The tree.
        tree: TreeHead,
    },
    /// A hash to make a tile of is not held.
    #[error("cannot make the tile: {0}")]
    Missing(#[from] MissingHash),
}
