//! Lookups.

use std::fmt;
use std::sync::Arc;

use stoa_module::ModuleVersion;

use super::latest::{Latest, SignedHead};
use super::tiles::Tiles;
use super::timeline::Timeline;
use super::{ClientError, HeadOrigin, ModuleSums, Port, RemotePath};
use crate::note::{KeyName, VerifierKey};
use crate::tlog::{HashReader as _, Node, Record, Tile, TileError, TileHeight, TileLevel, TreeHead};

/// A lookup's answer that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The lines of the module version, from the part of the answer that the log vouches for.
    pub sums: ModuleSums,
    /// The answer, as the database sent it: the record, and a signed head that may be older than the newest.
    pub answer: Vec<u8>,
}

/// Looks up module versions in a checksum database and believes only what its log vouches for (`sumdb.Client`).
///
/// A lookup is answered when all of this holds:
///
/// - the head that came with the record is signed by the key of the database;
/// - that head and every one seen before, by earlier processes too, are of one log that only grew;
/// - the text of the record is the one the log has under its number;
/// - that text, not anything else of the answer, has a line of the module version.
///
/// It answers with what the database sent, byte for byte, so that a caller that trusts the database and not this client
/// can check all of it again.
///
/// The tiles that show it are read as far as needed and authenticated before anything is taken from them. The client
/// keeps nothing but the newest head in memory and never does the same work for two callers at once: caching is up to
/// the port, and so is sharing of lookups.
pub struct Client {
    port: Arc<dyn Port>,
    key: VerifierKey,
    height: TileHeight,
    latest: Latest,
}

impl Client {
    /// A client of the database with this key. Nothing is read until the first lookup.
    pub fn new(port: Arc<dyn Port>, key: VerifierKey) -> Self {
        Self {
            port,
            key,
            height: TileHeight::SUMDB,
            latest: Latest::new(),
        }
    }

    /// The same for a database with tiles of another height, which the go command does not know
    /// (`Client.SetTileHeight`).
    #[must_use]
    pub fn with_tile_height(mut self, height: TileHeight) -> Self {
        self.height = height;
        self
    }

    /// The name of the database.
    pub fn name(&self) -> &KeyName {
        self.key.name()
    }

    /// The newest head seen so far; [`TreeHead::EMPTY`] before anything was read.
    pub fn latest(&self) -> TreeHead {
        self.latest.get().head
    }

    /// The newest head that this or an earlier client has seen, without asking the database; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if what was stored cannot be read, or does not hold.
    pub async fn known_head(&self) -> Result<Option<SignedHead>, ClientError> {
        self.timeline().load().await?;
        Ok(Some(self.latest.get()).filter(|known| !known.note.is_empty()))
    }

    /// Looks up what the database recorded of a module version (`Client.Lookup`).
    ///
    /// A record of the cache that does not hold is fetched anew.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; one that [`is_misbehavior`](ClientError::is_misbehavior) tells of a database that lies.
    pub async fn lookup(&self, module: &ModuleVersion) -> Result<Lookup, ClientError> {
        self.timeline().load().await?;
        let path = RemotePath::Lookup(module.clone());
        if let Some(answer) = self.port.read_cache(&path).await {
            match self.verify(module, &path, &answer).await {
                Err(error) if error.blames_answer() => {}
                verified => return verified.map(|sums| Lookup { sums, answer }),
            }
        }
        let answer = self.tiles().fetch(&path).await?;
        let sums = self.verify(module, &path, &answer).await?;
        self.port.write_cache(&path, &answer).await;
        Ok(Lookup { sums, answer })
    }

    /// Reads a tile, of hashes or of records, and checks that it is of the newest tree seen.
    ///
    /// A tile that this tree does not have makes the client ask for the database's head, once. Partial tiles are cut
    /// from wider ones. All tiles that are read on the way are cached, so that a tile that was read once can be read
    /// from the cache again, whatever heads were seen since.
    ///
    /// # Errors
    ///
    /// [`ClientError::NoTile`] if the log has no such tile yet, [`ClientError::TileHeight`] if it never will, and
    /// those of lookups.
    pub async fn tile(&self, tile: Tile) -> Result<Vec<u8>, ClientError> {
        if tile.height() != self.height {
            let height = self.height;
            return Err(ClientError::TileHeight { tile, height });
        }
        self.timeline().load().await?;
        if !tile.is_in(self.latest().size) {
            self.refresh().await?;
        }
        let tree = self.latest();
        let size = tree.size;
        if !tile.is_in(size) {
            return Err(ClientError::NoTile { tile, size });
        }
        match tile.level() {
            TileLevel::Hashes(_) => self.tiles().hashes(tree, tile).await,
            TileLevel::Data => self.tiles().records(tree, tile).await,
        }
    }

    /// Asks the database for its head, moves on to it and returns it.
    ///
    /// # Errors
    ///
    /// [`ClientError::Rollback`] if it is older than a head seen before, and those of lookups.
    pub async fn refresh(&self) -> Result<SignedHead, ClientError> {
        let timeline = self.timeline();
        timeline.load().await?;
        let known = self.latest();
        let path = RemotePath::Latest;
        let note = self.tiles().fetch(&path).await?;
        let offered = timeline.merge(&note, HeadOrigin::Answer(path)).await?;
        if offered.head.size < known.size {
            let offered = offered.head;
            return Err(ClientError::Rollback { known, offered });
        }
        Ok(offered)
    }

    /// Checks an answer and takes the module's lines from the part of it that the log vouches for.
    async fn verify(
        &self,
        module: &ModuleVersion,
        path: &RemotePath,
        answer: &[u8],
    ) -> Result<ModuleSums, ClientError> {
        if answer.len() > path.max_bytes() {
            return Err(ClientError::Length {
                path: path.clone(),
                given: answer.len(),
            });
        }
        let (record, note) = Record::parse(answer).map_err(|source| ClientError::Record {
            path: path.clone(),
            source,
        })?;
        self.timeline()
            .merge(note, HeadOrigin::Answer(path.clone()))
            .await?;
        self.check_record(path, &record).await?;
        ModuleSums::find(module, &record.text).ok_or_else(|| ClientError::ForeignRecord {
            module: Box::new(module.clone()),
        })
    }

    /// Checks that the log has the record.
    async fn check_record(&self, path: &RemotePath, record: &Record) -> Result<(), ClientError> {
        let head = self.latest();
        let id = record.id;
        let node = id
            .index_in(head.size)
            .and_then(|index| Node::new(0, index))
            .ok_or_else(|| ClientError::OutsideTree {
                path: path.clone(),
                id,
                size: head.size,
            })?;
        let tiles = self.tiles().authentic(head, vec![node]).await?;
        if tiles.hash(node).map_err(TileError::from)? == record.text.hash() {
            Ok(())
        } else {
            let path = path.clone();
            Err(ClientError::WrongRecord { path, id })
        }
    }

    fn tiles(&self) -> Tiles<'_> {
        Tiles {
            port: &*self.port,
            height: self.height,
        }
    }

    fn timeline(&self) -> Timeline<'_> {
        Timeline {
            port: &*self.port,
            key: &self.key,
            latest: &self.latest,
            tiles: self.tiles(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("key", &self.key)
            .field("latest", &self.latest.get().head)
            .finish_non_exhaustive()
    }
}
