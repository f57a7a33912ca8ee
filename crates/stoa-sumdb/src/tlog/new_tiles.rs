//! Which tiles a growing log publishes.

use super::{Tile, TileHeight, TileLevel, TreeSize};

/// The tiles to publish when a log grows from `older` to `newer` records (`tlog.NewTiles`): nothing if it does not.
///
/// Full tiles replace the partial ones at their place.
pub fn new_tiles(height: TileHeight, older: TreeSize, newer: TreeSize) -> impl Iterator<Item = Tile> {
    let bits = u32::from(height.get());
    let at = move |size: TreeSize, level: u8| size.get().checked_shr(u32::from(level) * bits).unwrap_or(0);
    (0..)
        .take_while(move |&level| at(newer, level) > 0)
        .flat_map(move |level| {
            let (older, newer) = (at(older, level), at(newer, level));
            let full = (older >> bits)..(newer >> bits);
            let tile = move |number, width| Tile::new(height, TileLevel::Hashes(level), number, width);
            let partial = usize::try_from(newer % (1 << bits))
                .ok()
                .filter(|_| newer > older)
                .and_then(|width| tile(newer >> bits, width));
            full.filter_map(move |number| tile(number, height.full_width()))
                .chain(partial)
        })
}
