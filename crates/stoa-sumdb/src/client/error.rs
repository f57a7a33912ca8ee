//! Why a lookup is not answered.

use std::fmt;

use stoa_module::ModuleVersion;

use super::{BoxError, Fork, RemoteError, RemotePath};
use crate::note::NoteError;
use crate::tlog::{RecordError, RecordId, Tile, TileError, TileHeight, TreeHead, TreeHeadError, TreeSize};

/// Where a head came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadOrigin {
    /// An answer, of the database or of the cache.
    Answer(RemotePath),
    /// What was stored as the last head seen.
    Stored,
}

impl fmt::Display for HeadOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(path) => path.fmt(f),
            Self::Stored => f.write_str("the stored head"),
        }
    }
}

/// A lookup without an answer that can be believed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The database did not answer, or has no such thing.
    #[error("{path}: {source}")]
    Remote {
        /// What was asked.
        path: RemotePath,
        /// What came of it.
        source: RemoteError,
    },
    /// The answer has another length than it can have.
    #[error("{path}: an answer of {given} bytes")]
    Length {
        /// What was asked.
        path: RemotePath,
        /// How long the answer is.
        given: usize,
    },
    /// The last head seen could not be read or stored.
    #[error("the last head of the checksum database: {0}")]
    Store(#[source] BoxError),
    /// Others kept storing heads, so that this one could not be.
    #[error("the last head of the checksum database changed too often to store it")]
    Contended,
    /// The answer has no record.
    #[error("{path}: {source}")]
    Record {
        /// What was asked.
        path: RemotePath,
        /// Why the answer has no record.
        source: RecordError,
    },
    /// A head has no signature that counts.
    #[error("{origin}: {source}")]
    Note {
        /// Where it came from.
        origin: HeadOrigin,
        /// What is wrong with the signatures.
        source: NoteError,
    },
    /// What was signed is no head.
    #[error("{origin}: {source}")]
    Head {
        /// Where it came from.
        origin: HeadOrigin,
        /// What is wrong with the text.
        source: TreeHeadError,
    },
    /// Tiles are not those of the signed tree.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// The log has no such tile, or not as wide a one, yet.
    #[error("{tile} is not in a tree of {size} records")]
    NoTile {
        /// The tile.
        tile: Tile,
        /// The size of the largest tree that was signed.
        size: TreeSize,
    },
    /// The tiles of the database have another height.
    #[error("{tile} has not the height {} of the tiles of the checksum database", height.get())]
    TileHeight {
        /// The tile.
        tile: Tile,
        /// The height they have.
        height: TileHeight,
    },
    /// The record says it is one that no signed tree has yet.
    #[error("{path}: record {id} is not in a tree of {size} records")]
    OutsideTree {
        /// What was asked.
        path: RemotePath,
        /// The number of the record, as the answer has it.
        id: RecordId,
        /// The size of the largest tree that was signed.
        size: TreeSize,
    },
    /// The record is not the one that the log has under its number.
    #[error("{path}: the log has another record {id}")]
    WrongRecord {
        /// What was asked.
        path: RemotePath,
        /// The number of the record.
        id: RecordId,
    },
    /// The record is in the log, but is not one of the module version.
    #[error("security error: the checksum database answered for {module} with a record of another module")]
    ForeignRecord {
        /// What was looked up.
        module: Box<ModuleVersion>,
    },
    /// The database signed heads that exclude each other.
    #[error("security error: {0}")]
    Fork(Box<Fork>),
    /// The database's latest head is older than one it signed before, though of the same log.
    ///
    /// A mirror that keeps answers may lag; a database may not. The newer head stays.
    #[error("the checksum database went back from {known} to {offered}")]
    Rollback {
        /// The head that was seen before.
        known: TreeHead,
        /// The head it offers now.
        offered: TreeHead,
    },
}

impl ClientError {
    /// Whether the database, or a mirror between, was caught lying. Report it to operators; trying again does not help.
    pub fn is_misbehavior(&self) -> bool {
        matches!(self, Self::Fork(_) | Self::ForeignRecord { .. })
    }

    /// Whether the database does not have what was asked for, and says so or was not asked.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NoTile { .. }
                | Self::TileHeight { .. }
                | Self::Remote {
                    source: RemoteError::NotFound { .. },
                    ..
                }
        )
    }

    /// Whether the answer itself was bad, so that another one may be good.
    pub(super) fn blames_answer(&self) -> bool {
        match self {
            Self::Length { .. }
            | Self::Record { .. }
            | Self::OutsideTree { .. }
            | Self::WrongRecord { .. }
            | Self::ForeignRecord { .. } => true,
            Self::Note { origin, .. } | Self::Head { origin, .. } => *origin != HeadOrigin::Stored,
            _ => false,
        }
    }
}
