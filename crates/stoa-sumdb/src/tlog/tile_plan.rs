//! Reading hashes of a tree from tiles that are not authenticated yet.

use std::collections::HashMap;

use super::tile::Place;
use super::tile_hash::subtree_hash;
use super::{
    Hash, HashReader, MissingHash, Node, Tile, TileError, TileHeight, TreeHead, subtree, tree_nodes,
};

/// Which tiles are needed for some hashes of a tree, such that the hash of the tree vouches for them
/// (`tlog.TileHashReader`).
///
/// First come the tiles at the right edge, which add up to the hash of the tree; then, parents before children, full
/// tiles whose hash is in a tile before them. So all tiles are authenticated or none is.
///
/// 1. [`TilePlan::new`] says which tiles; the caller gets their data from anywhere.
/// 2. [`TilePlan::authenticate`] checks them and gives them back as hashes of the tree.
#[derive(Clone, Debug)]
pub struct TilePlan {
    tree: TreeHead,
    height: TileHeight,
    tiles: Vec<Tile>,
    /// Where in `tiles` a tile is.
    order: HashMap<Tile, usize>,
    /// How many tiles, from the first on, are at the edge.
    edge: usize,
}

impl TilePlan {
    /// Plans to read the hashes of `nodes`.
    ///
    /// # Errors
    ///
    /// [`TileError::NotInTree`] if the tree does not have one of them.
    pub fn new(
        tree: TreeHead,
        height: TileHeight,
        nodes: impl IntoIterator<Item = Node>,
    ) -> Result<Self, TileError> {
        let mut plan = Self {
            tree,
            height,
            tiles: Vec::new(),
            order: HashMap::new(),
            edge: 0,
        };
        for node in tree_nodes(tree.size) {
            let tile = plan.tile_of(node)?;
            plan.add(tile);
        }
        // Nodes of the edge share tiles, so this is less than their number: all that follow have parents.
        plan.edge = plan.tiles.len();
        for node in nodes {
            plan.add_with_parents(node)?;
        }
        Ok(plan)
    }

    /// The tiles to read, each once.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Checks that the tiles, in the order of [`TilePlan::tiles`], are those of the tree.
    ///
    /// # Errors
    ///
    /// [`TileError::Count`] and [`TileError::Length`] if they are not what was planned, [`TileError::WrongEdge`] and
    /// [`TileError::WrongTile`] if they are not of this tree.
    pub fn authenticate(self, data: Vec<Vec<u8>>) -> Result<AuthenticTiles, TileError> {
        if data.len() != self.tiles.len() {
            return Err(TileError::Count {
                expected: self.tiles.len(),
                given: data.len(),
            });
        }
        for (&tile, data) in self.tiles.iter().zip(&data) {
            let given = data.len();
            if given != tile.hash_bytes() {
                return Err(TileError::Length { tile, given });
            }
        }
        let tiles = AuthenticTiles { plan: self, data };
        tiles.check_edge()?;
        tiles.check_children()?;
        Ok(tiles)
    }

    /// The tile with the hash of a node, as wide as the tree has it.
    fn tile_of(&self, node: Node) -> Result<Tile, TileError> {
        let size = self.tree.size;
        Some(Place::of(self.height, node).tile)
            .filter(|_| node.is_in(size))
            .and_then(|tile| tile.ancestor(0, size))
            .ok_or(TileError::NotInTree { node, size })
    }

    fn add(&mut self, tile: Tile) {
        let next = self.tiles.len();
        if *self.order.entry(tile).or_insert(next) == next {
            self.tiles.push(tile);
        }
    }

    /// Adds the tile of a node, after those between it and one that is planned already.
    fn add_with_parents(&mut self, node: Node) -> Result<(), TileError> {
        let tile = self.tile_of(node)?;
        let mut missing = Vec::new();
        for above in 0.. {
            let size = self.tree.size;
            let ancestor = tile
                .ancestor(above, size)
                .ok_or(TileError::NotInTree { node, size })?;
            if self.order.contains_key(&ancestor) {
                break;
            }
            missing.push(ancestor);
        }
        for tile in missing.into_iter().rev() {
            self.add(tile);
        }
        Ok(())
    }
}

/// Tiles of a tree whose hash vouches for them.
///
/// As a [`HashReader`] they have the hashes that were planned, and others of the same tiles.
#[derive(Clone, Debug)]
pub struct AuthenticTiles {
    plan: TilePlan,
    data: Vec<Vec<u8>>,
}

impl AuthenticTiles {
    /// The tiles and their data.
    pub fn iter(&self) -> impl Iterator<Item = (Tile, &[u8])> {
        self.plan
            .tiles
            .iter()
            .copied()
            .zip(self.data.iter().map(Vec::as_slice))
    }

    /// The tiles at the edge must add up to the tree.
    fn check_edge(&self) -> Result<(), TileError> {
        let tree = self.plan.tree;
        let hashes: Vec<Hash> = tree_nodes(tree.size)
            .map(|node| self.hash(node))
            .collect::<Result<_, _>>()?;
        if subtree::join(hashes).unwrap_or(Hash::EMPTY_TREE) == tree.hash {
            Ok(())
        } else {
            Err(TileError::WrongEdge { tree })
        }
    }

    /// Each other tile must be the one whose hash its parent has, which stands before it.
    fn check_children(&self) -> Result<(), TileError> {
        let tree = self.plan.tree;
        for (tile, data) in self.iter().skip(self.plan.edge) {
            let named = tile.root().and_then(|root| self.hash(root).ok());
            if named.is_none() || named != subtree_hash(data) {
                return Err(TileError::WrongTile { tile, tree });
            }
        }
        Ok(())
    }
}

impl HashReader for AuthenticTiles {
    fn hash(&self, node: Node) -> Result<Hash, MissingHash> {
        let find = || {
            let tile = self.plan.tile_of(node).ok()?;
            let &position = self.plan.order.get(&tile)?;
            tile.hash(self.data.get(position)?, node).ok()
        };
        find().ok_or(MissingHash { node })
    }
}
