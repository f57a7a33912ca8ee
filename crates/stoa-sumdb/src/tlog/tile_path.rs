//! Paths of tiles.

use std::fmt;
use std::str::FromStr;

use super::{Tile, TileHeight, TileLevel};

/// Numbers are written three digits to an element, so that no directory has too many.
const BASE: u64 = 1000;
/// What partial tiles have after their number, before their width.
const PARTIAL: &str = ".p";
/// No tile has a longer path.
const MAX_LEN: usize = 80;

/// A text that is no path of a tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed tile path {path:?}")]
pub struct TilePathError {
    path: Box<str>,
}

/// Prints the path, without a slash before it (`Tile.Path`).
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.height().get())?;
        match self.level() {
            TileLevel::Data => f.write_str("data")?,
            TileLevel::Hashes(level) => write!(f, "{level}")?,
        }
        let mut unit = 1;
        while self.number() / unit >= BASE {
            unit *= BASE;
        }
        while unit > 1 {
            write!(f, "/x{:03}", self.number() / unit % BASE)?;
            unit /= BASE;
        }
        write!(f, "/{:03}", self.number() % BASE)?;
        if !self.is_full() {
            write!(f, "{PARTIAL}/{}", self.width())?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = TilePathError;

    /// Takes a path in the one form [`Tile`] prints (`tlog.ParseTilePath`). Levels beyond 255, which Go reads too,
    /// are refused: no log has them.
    fn from_str(path: &str) -> Result<Self, TilePathError> {
        parse(path)
            .filter(|tile| path == tile.to_string())
            .ok_or_else(|| TilePathError {
                path: path.chars().take(MAX_LEN).collect(),
            })
    }
}

/// Reads a path leniently: numbers may have signs and zeros, which printing does not repeat.
fn parse(path: &str) -> Option<Tile> {
    if path.len() > MAX_LEN {
        return None;
    }
    let mut elements = path.strip_prefix("tile/")?.split('/');
    let height = TileHeight::new(elements.next()?.parse().ok()?)?;
    let level = match elements.next()? {
        "data" => TileLevel::Data,
        level => TileLevel::Hashes(level.parse().ok()?),
    };
    let mut width = height.full_width();
    let mut number: u64 = 0;
    while let Some(element) = elements.next() {
        let digits = match element.strip_suffix(PARTIAL) {
            Some(digits) => {
                width = elements.next()?.parse().ok()?;
                elements.next().is_none().then_some(digits)?
            }
            None => element,
        };
        let digits: u64 = digits.strip_prefix('x').unwrap_or(digits).parse().ok()?;
        number = number.checked_mul(BASE)?.checked_add(digits)?;
    }
    Tile::new(height, level, number, width)
}
