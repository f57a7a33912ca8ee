//! Tiles: the pieces in which a log's hashes are served.

use super::{Hash, Node};

/// The number of levels of the tree a tile covers: from 1 to 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileHeight(u8);

impl TileHeight {
    /// The height of the go command's tiles, the only one checksum databases have.
    pub const SUMDB: Self = Self(8);

    /// The height of this many levels; `None` if it is not from 1 to 30.
    pub const fn new(levels: u8) -> Option<Self> {
        if levels >= 1 && levels <= 30 {
            Some(Self(levels))
        } else {
            None
        }
    }

    /// The number of levels.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// How many hashes a full tile has.
    pub const fn full_width(self) -> usize {
        1 << self.0
    }
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileLevel {
    /// The records themselves (`data` in paths, -1 in Go).
    Data,
    /// The hashes at this many times the height above the records. Logs end far below level 64.
    Hashes(u8),
}

/// A tile by its place: consecutive hashes of one level of the tree, or records (`tlog.Tile`).
///
/// A full tile of height h has 2ʰ of them and starts at a multiple of that; the last tile of a level may be partial.
/// A tile stands for the whole subtree over its hashes, which can be computed from them. Displayed and parsed as its
/// path, `tile/8/0/x001/234` or, if partial, `tile/8/0/x001/234.p/17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    height: TileHeight,
    level: TileLevel,
    number: u64,
    width: usize,
}

impl Tile {
    /// The tile `number` of `level` with the first `width` of its hashes. `None` if the width is not from 1 to 2ʰ or
    /// the number beyond 2⁶³-1.
    pub const fn new(height: TileHeight, level: TileLevel, number: u64, width: usize) -> Option<Self> {
        if width == 0 || width > height.full_width() || number > i64::MAX.unsigned_abs() {
            return None;
        }
        Some(Self {
            height,
            level,
            number,
            width,
        })
    }

    /// How many levels it covers.
    pub const fn height(self) -> TileHeight {
        self.height
    }

    /// What it holds.
    pub const fn level(self) -> TileLevel {
        self.level
    }

    /// Its number within the level.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// How many hashes or records it has.
    pub const fn width(self) -> usize {
        self.width
    }

    /// Whether it has all it can have.
    pub const fn is_full(self) -> bool {
        self.width == self.height.full_width()
    }

    /// The full tile at its place.
    #[must_use]
    pub const fn to_full(self) -> Self {
        Self {
            width: self.height.full_width(),
            ..self
        }
    }

    /// How many bytes the hashes of the tile are.
    pub const fn hash_bytes(self) -> usize {
        self.width * Hash::LEN
    }

    /// The node of one of the tile's hashes. `None` for data tiles, and if the tile has no such hash or no tree is
    /// large enough for it.
    pub fn node(self, position: usize) -> Option<Node> {
        let TileLevel::Hashes(level) = self.level else {
            return None;
        };
        let position = u64::try_from(position).ok().filter(|_| position < self.width)?;
        let first = self.number.checked_mul(1 << self.height.get())?;
        Node::new(
            u32::from(level) * u32::from(self.height.get()),
            first.checked_add(position)?,
        )
    }

    /// Whether a tree of this size has the tile, in all its width.
    pub fn is_in(self, size: super::TreeSize) -> bool {
        match self.level {
            TileLevel::Hashes(_) => self
                .ancestor(0, size)
                .is_some_and(|present| present.width >= self.width),
            TileLevel::Data => {
                let records = u64::try_from(self.width).ok();
                self.number
                    .checked_mul(1 << self.height.get())
                    .and_then(|first| first.checked_add(records?))
                    .is_some_and(|end| end <= size.get())
            }
        }
    }

    /// The node that the full tile is the subtree of, which is a hash of a tile above.
    pub(super) fn root(self) -> Option<Node> {
        let TileLevel::Hashes(level) = self.level else {
            return None;
        };
        Node::new((u32::from(level) + 1) * u32::from(self.height.get()), self.number)
    }

    /// The tile `above` levels of tiles higher over this one's place, as wide as a tree of `size` records has it
    /// (`tlog.tileParent`). `None` if the tree has nothing there.
    pub(super) fn ancestor(self, above: u8, size: super::TreeSize) -> Option<Self> {
        let TileLevel::Hashes(level) = self.level else {
            return None;
        };
        let level = level.checked_add(above)?;
        let height = u32::from(self.height.get());
        let number = self.number.checked_shr(u32::from(above) * height).unwrap_or(0);
        let hashes = size.get().checked_shr(u32::from(level) * height).unwrap_or(0);
        let first = number.checked_mul(1 << height)?;
        let present = usize::try_from(hashes.checked_sub(first)?).unwrap_or(usize::MAX);
        let width = present.min(self.height.full_width());
        Self::new(self.height, TileLevel::Hashes(level), number, width)
    }
}

/// Where the hash of a node is in its tile.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) tile: Tile,
    /// The hashes of the tile that make up the node.
    pub(super) hashes: std::ops::Range<usize>,
}

impl Place {
    pub(super) fn of(height: TileHeight, node: Node) -> Self {
        let bits = u32::from(height.get());
        let within = node.level() % bits;
        // The first of the node's hashes at the level of the tile; below 2^63, for there are no more records.
        let first = node.number() << within;
        let number = first >> bits;
        // Both are at most 2^30, and levels at most 62.
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of 2^30")]
        let start = (first - (number << bits)) as usize;
        let end = start + (1 << within);
        #[expect(clippy::cast_possible_truncation, reason = "a quotient of 62")]
        let level = TileLevel::Hashes((node.level() / bits) as u8);
        Self {
            tile: Tile {
                height,
                level,
                number,
                width: end,
            },
            hashes: start..end,
        }
    }
}
