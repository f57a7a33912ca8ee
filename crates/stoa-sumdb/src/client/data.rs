//! Reading tiles of records.

use super::tiles::Tiles;
use super::{ClientError, RemotePath};
use crate::tlog::{Hash, RecordError, RecordId, RecordText, Tile, TileError, TileLevel, TreeHead};

/// What every record in a tile ends with: its own newline, and an empty line.
const END: &[u8] = b"\n\n";

impl Tiles<'_> {
    /// Reads a tile of records that a tree has. A cached one that does not hold is fetched anew.
    pub(super) async fn records(self, tree: TreeHead, tile: Tile) -> Result<Vec<u8>, ClientError> {
        let of_hashes = Tile::new(tile.height(), TileLevel::Hashes(0), tile.number(), tile.width());
        let hashes = match of_hashes {
            Some(of_hashes) => self.hashes(tree, of_hashes).await?,
            None => return Err(TileError::NoHashes { tile }.into()),
        };
        for from in [tile, tile.to_full()] {
            let cached = self.port.read_cache(&RemotePath::Tile(from)).await;
            if let Some(records) = cached.and_then(|data| check(tile, &hashes, data).ok()) {
                return Ok(records);
            }
        }
        let records = check(tile, &hashes, self.fetch_tile(tile).await?)?;
        self.port.write_cache(&RemotePath::Tile(tile), &records).await;
        Ok(records)
    }
}

/// The start of `data` that is the records of a tile, if they have these hashes, which are one after the other.
fn check(tile: Tile, hashes: &[u8], mut data: Vec<u8>) -> Result<Vec<u8>, ClientError> {
    let path = || RemotePath::Tile(tile);
    let malformed = |source| ClientError::Record { path: path(), source };
    let end = end_of(&data, tile.width()).ok_or_else(|| malformed(RecordError))?;
    data.truncate(end);
    let records = RecordText::split_tile(tile, &data).map_err(malformed)?;
    let first = tile.number() << tile.height().get();
    for ((id, record), hash) in (first..).zip(&records).zip(hashes.chunks_exact(Hash::LEN)) {
        if record.hash().as_bytes() != hash {
            let id = RecordId::new(id.cast_signed());
            return Err(ClientError::WrongRecord { path: path(), id });
        }
    }
    Ok(data)
}

/// Where so many records end; `None` if there are fewer.
fn end_of(data: &[u8], records: usize) -> Option<usize> {
    (0..records).try_fold(0, |start, _| {
        let rest = data.get(start..)?;
        let end = rest.windows(END.len()).position(|window| window == END)?;
        Some(start + end + END.len())
    })
}
