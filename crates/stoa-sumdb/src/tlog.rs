//! The transparency log: hashes, proofs, tiles and the texts they are named by (`golang.org/x/mod/sumdb/tlog`).

mod hash;
mod head;
mod id;
mod memory;
mod new_tiles;
mod node;
mod proof_error;
mod reader;
mod record;
mod record_proof;
mod size;
mod subtree;
mod tile;
mod tile_error;
mod tile_hash;
mod tile_path;
mod tile_plan;
mod tree;
mod tree_proof;

pub use hash::{Hash, HashError};
pub use head::{TreeHead, TreeHeadError};
pub use id::RecordId;
pub use memory::MemoryLog;
pub use new_tiles::new_tiles;
pub use node::Node;
pub use proof_error::ProofError;
pub use reader::{HashReader, MissingHash};
pub use record::{Record, RecordError, RecordText};
pub use record_proof::RecordProof;
pub use size::TreeSize;
pub use tile::{Tile, TileHeight, TileLevel};
pub use tile_error::TileError;
pub use tile_path::TilePathError;
pub use tile_plan::{AuthenticTiles, TilePlan};
pub use tree::{stored_hash_count, stored_hashes, tree_hash, tree_nodes};
pub use tree_proof::TreeProof;
