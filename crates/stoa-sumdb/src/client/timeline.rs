//! The one history that all heads must belong to.

use std::cmp::Ordering;

use super::latest::{Latest, SignedHead};
use super::tiles::Tiles;
use super::{ClientError, Fork, HeadOrigin, Port, Swap};
use crate::note::{SignedNote, VerifierKey};
use crate::tlog::{Hash, TreeHead, TreeProof, TreeSize, tree_hash, tree_nodes};

/// How often storing a head is tried. Each time but the last another client stored one, so the log has moved on.
const SWAPS: usize = 64;

/// When a head was signed, seen from the newest one known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Before it.
    Past,
    /// It is the same.
    Now,
    /// After it; now it is the newest one known.
    Future,
}

/// Holds all heads of a database together.
#[derive(Clone, Copy)]
pub(super) struct Timeline<'a> {
    pub(super) port: &'a dyn Port,
    pub(super) key: &'a VerifierKey,
    pub(super) latest: &'a Latest,
    pub(super) tiles: Tiles<'a>,
}

impl Timeline<'_> {
    /// Takes over the head that earlier clients stored, once.
    pub(super) async fn load(self) -> Result<(), ClientError> {
        if !self.latest.is_loaded() {
            let stored = self.port.read_latest().await.map_err(ClientError::Store)?;
            self.merge_in_memory(&stored, HeadOrigin::Stored).await?;
            self.latest.set_loaded();
        }
        Ok(())
    }

    /// Merges a signed head into the timeline and returns it. If it is the newest, it is stored.
    pub(super) async fn merge(self, note: &[u8], origin: HeadOrigin) -> Result<SignedHead, ClientError> {
        let (offered, when) = self.merge_in_memory(note, origin).await?;
        if when == When::Future {
            self.store().await?;
        }
        Ok(offered)
    }

    /// Stores the newest head, unless another client stored one that is as new. That one is merged then.
    async fn store(self) -> Result<(), ClientError> {
        for _ in 0..SWAPS {
            let stored = self.port.read_latest().await.map_err(ClientError::Store)?;
            let (_, when) = self.merge_in_memory(&stored, HeadOrigin::Stored).await?;
            if when != When::Past {
                return Ok(());
            }
            let newest = self.latest.get().note;
            match self.port.swap_latest(&stored, &newest).await {
                Ok(Swap::Done) => return Ok(()),
                Ok(Swap::Conflict) => {}
                Err(error) => return Err(ClientError::Store(error)),
            }
        }
        Err(ClientError::Contended)
    }

    async fn merge_in_memory(
        self,
        note: &[u8],
        origin: HeadOrigin,
    ) -> Result<(SignedHead, When), ClientError> {
        let offered = self.open(note, origin)?;
        loop {
            let known = self.latest.get();
            let when = match offered.head.size.cmp(&known.head.size) {
                Ordering::Greater => {
                    self.check(&known, &offered).await?;
                    if !self.latest.advance(&known.head, offered.clone()) {
                        // Another lookup moved on meanwhile.
                        continue;
                    }
                    When::Future
                }
                Ordering::Equal => {
                    self.check(&offered, &known).await?;
                    When::Now
                }
                Ordering::Less => {
                    self.check(&offered, &known).await?;
                    When::Past
                }
            };
            return Ok((offered, when));
        }
    }

    /// Checks the signature of a head. Nothing at all, where heads are stored, is the log without records.
    fn open(self, note: &[u8], origin: HeadOrigin) -> Result<SignedHead, ClientError> {
        if note.is_empty() && origin == HeadOrigin::Stored {
            return Ok(SignedHead {
                head: TreeHead::EMPTY,
                note: note.into(),
            });
        }
        let signed = match SignedNote::open(note, &self.key.clone().into()) {
            Ok(signed) => signed,
            Err(source) => return Err(ClientError::Note { origin, source }),
        };
        let head = TreeHead::parse(signed.text()).map_err(|source| ClientError::Head { origin, source })?;
        let note = note.into();
        Ok(SignedHead { head, note })
    }

    /// Checks that `newer` starts with all of `older`.
    async fn check(self, older: &SignedHead, newer: &SignedHead) -> Result<(), ClientError> {
        let size = older.head.size;
        let implied = if size == newer.head.size {
            newer.head.hash
        } else if size == TreeSize::EMPTY {
            Hash::EMPTY_TREE
        } else {
            let tiles = self
                .tiles
                .authentic(newer.head, tree_nodes(size).collect())
                .await?;
            tree_hash(size, &tiles).map_err(crate::tlog::TileError::from)?
        };
        if implied == older.head.hash {
            return Ok(());
        }
        Err(ClientError::Fork(Box::new(Fork {
            older: older.head,
            newer: newer.head,
            older_note: older.note.to_vec(),
            newer_note: newer.note.to_vec(),
            implied,
            proof: self.prove(newer.head, TreeHead { size, hash: implied }).await,
        })))
    }

    /// Proves that the newer tree starts with a tree that the older head is not of.
    async fn prove(self, newer: TreeHead, implied: TreeHead) -> Option<TreeProof> {
        let nodes = TreeProof::nodes(newer.size, implied.size).ok()?;
        let tiles = self.tiles.authentic(newer, nodes).await.ok()?;
        let proof = TreeProof::prove(newer.size, implied.size, &tiles).ok()?;
        proof.check(&newer, &implied).is_ok().then_some(proof)
    }
}
