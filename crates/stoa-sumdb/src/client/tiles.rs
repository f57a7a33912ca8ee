//! Reading tiles.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{ClientError, Port, RemotePath};
use crate::tlog::{AuthenticTiles, Node, Tile, TileHeight, TileLevel, TilePlan, TreeHead};

/// So many tiles of a plan are read at a time. Most plans have two or three.
const READS: usize = 8;

/// Where the data of a tile is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Cache,
    Remote,
}

/// Reads tiles of a database, from the cache or else from remote.
#[derive(Clone, Copy)]
pub(super) struct Tiles<'a> {
    pub(super) port: &'a dyn Port,
    pub(super) height: TileHeight,
}

impl Tiles<'_> {
    /// Reads the tiles with the hashes of some nodes of a tree, and checks that they are of that tree.
    ///
    /// If cached tiles do not hold, all are fetched once more. Those fetched are cached when they hold.
    pub(super) async fn authentic(
        self,
        tree: TreeHead,
        nodes: Vec<Node>,
    ) -> Result<AuthenticTiles, ClientError> {
        let plan = TilePlan::new(tree, self.height, nodes)?;
        let (mut sources, data) = self.read_all(&plan, true).await?;
        let tiles = match plan.clone().authenticate(data) {
            Err(_) if sources.contains(&Source::Cache) => {
                let (fetched, data) = self.read_all(&plan, false).await?;
                sources = fetched;
                plan.authenticate(data)?
            }
            outcome => outcome?,
        };
        for ((tile, data), source) in tiles.iter().zip(sources) {
            if source == Source::Remote {
                self.port.write_cache(&RemotePath::Tile(tile), data).await;
            }
        }
        Ok(tiles)
    }

    /// Reads a tile of hashes that a tree has.
    pub(super) async fn hashes(self, tree: TreeHead, tile: Tile) -> Result<Vec<u8>, ClientError> {
        // The tree has one tile with all these hashes, which may be wider.
        let last = tile.node(tile.width() - 1);
        let tiles = self.authentic(tree, last.into_iter().collect()).await?;
        Ok(tile.read(&tiles)?)
    }

    async fn read_all(
        self,
        plan: &TilePlan,
        cache: bool,
    ) -> Result<(Vec<Source>, Vec<Vec<u8>>), ClientError> {
        let read: Vec<(Source, Vec<u8>)> = stream::iter(plan.tiles().to_vec())
            .map(|tile| self.read(tile, cache))
            .buffered(READS)
            .try_collect()
            .await?;
        Ok(read.into_iter().unzip())
    }

    /// Reads a tile of hashes.
    async fn read(self, tile: Tile, cache: bool) -> Result<(Source, Vec<u8>), ClientError> {
        let full = tile.to_full();
        if cache {
            for from in [tile, full] {
                if let Some(data) = self.read_cached(from).await {
                    return Ok((Source::Cache, cut(data, tile)));
                }
            }
        }
        let data = self.fetch_tile(tile).await?;
        Ok((Source::Remote, cut(data, tile)))
    }

    /// Asks the database for a tile. Instead of a partial one the full one may come, by which databases may have
    /// replaced it.
    pub(super) async fn fetch_tile(self, tile: Tile) -> Result<Vec<u8>, ClientError> {
        match self.fetch(&RemotePath::Tile(tile)).await {
            Err(error) if !tile.is_full() => {
                let full = self.fetch(&RemotePath::Tile(tile.to_full())).await;
                full.map_err(|_| error)
            }
            answer => answer,
        }
    }

    async fn read_cached(self, tile: Tile) -> Option<Vec<u8>> {
        let data = self.port.read_cache(&RemotePath::Tile(tile)).await?;
        (data.len() == tile.hash_bytes()).then_some(data)
    }

    /// Asks the database, and bounds its answer.
    pub(super) async fn fetch(self, path: &RemotePath) -> Result<Vec<u8>, ClientError> {
        let answer = self
            .port
            .read_remote(path)
            .await
            .map_err(|source| ClientError::Remote {
                path: path.clone(),
                source,
            })?;
        let given = answer.len();
        let max = path.max_bytes();
        let is_exact = matches!(path, RemotePath::Tile(tile) if tile.level() != TileLevel::Data);
        if given > max || (is_exact && given != max) {
            let path = path.clone();
            return Err(ClientError::Length { path, given });
        }
        Ok(answer)
    }
}

/// The start of a wider tile that is a narrower one.
fn cut(mut data: Vec<u8>, tile: Tile) -> Vec<u8> {
    data.truncate(tile.hash_bytes());
    data
}
