//! Paths of a database.

use std::fmt;
use std::str::FromStr;

use stoa_module::{CheckError, ModulePath, ModuleVersion, PathError, Version, VersionError};

use crate::note::MAX_NOTE_BYTES;
use crate::tlog::{Tile, TileLevel};

/// Records are a few lines; a longer one is no record.
const MAX_RECORD_BYTES: usize = 64 << 10;
const LOOKUP: &str = "/lookup/";

/// A path that databases answer, below their own URL (`sumdb.ServerPaths`).
///
/// Displayed and parsed as it stands in URLs, escaped: `/latest`, `/lookup/github.com/!burnt!sushi/toml@v1.0.0`,
/// `/tile/8/0/001`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RemotePath {
    /// The head of the database, as a signed note.
    Latest,
    /// The record of a module version, and the head of the database.
    Lookup(ModuleVersion),
    /// A tile.
    Tile(Tile),
}

impl RemotePath {
    /// The length beyond which an answer is wrong. Of tiles of hashes it is the only right length.
    pub fn max_bytes(&self) -> usize {
        match self {
            Self::Latest => MAX_NOTE_BYTES,
            Self::Lookup(_) => MAX_RECORD_BYTES + MAX_NOTE_BYTES,
            Self::Tile(tile) => match tile.level() {
                TileLevel::Data => tile.width().saturating_mul(MAX_RECORD_BYTES),
                TileLevel::Hashes(_) => tile.hash_bytes(),
            },
        }
    }

    /// The media type of answers.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Tile(tile) if tile.level() != TileLevel::Data => "application/octet-stream",
            _ => "text/plain; charset=UTF-8",
        }
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("/latest"),
            Self::Lookup(module) => {
                let (path, version) = (module.path().escaped(), module.version().escaped());
                write!(f, "{LOOKUP}{path}@{version}")
            }
            Self::Tile(tile) => write!(f, "/{tile}"),
        }
    }
}

impl FromStr for RemotePath {
    type Err = RemotePathError;

    /// Takes a path, percent-decoded, as the database server of Go does (`sumdb.Server`).
    fn from_str(path: &str) -> Result<Self, RemotePathError> {
        if path == "/latest" {
            return Ok(Self::Latest);
        }
        if path.starts_with("/tile/") {
            let tile = path[1..].parse().map_err(|_| RemotePathError::Tile)?;
            return Ok(Self::Tile(tile));
        }
        let lookup = path.strip_prefix(LOOKUP).ok_or(RemotePathError::Unknown)?;
        let (path, version) = lookup
            .split_once('@')
            .filter(|(path, version)| !path.is_empty() && is_version(version))
            .ok_or(RemotePathError::Lookup)?;
        let path = ModulePath::unescape(path)?;
        Ok(Self::Lookup(ModuleVersion::new(
            path,
            Version::unescape(version)?,
        )?))
    }
}

/// Whether a text looks like a version: `v`, three numbers, then nothing, `+incompatible`, or a dash and whatever.
fn is_version(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('v').filter(|_| !text.contains('@')) else {
        return false;
    };
    for dot in ["", ".", "."] {
        let Some(number) = rest.strip_prefix(dot) else {
            return false;
        };
        rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == number.len() {
            return false;
        }
    }
    rest.is_empty() || rest == "+incompatible" || rest.starts_with('-')
}

/// A path that databases do not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemotePathError {
    /// There is nothing of that name; status 404.
    #[error("404 page not found")]
    Unknown,
    /// What is looked up is not `module@version`; status 400.
    #[error("invalid module@version syntax")]
    Lookup,
    /// The path names no valid tile; status 400.
    #[error("invalid tile syntax")]
    Tile,
    /// The module path is invalid, or not escaped.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The version is invalid.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The module cannot have this version.
    #[error(transparent)]
    Module(#[from] CheckError),
}
