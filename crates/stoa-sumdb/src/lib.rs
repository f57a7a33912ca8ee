#![doc = include_str!("../README.md")]
//!
//! # Names
//!
//! Everything here is pure: no sockets, no clock, no files, no runtime. Each item names the function of
//! `golang.org/x/mod/sumdb` that it follows, and says where it does not.
//!
//! - Notes: [`SignedNote`] opens and signs texts, with a [`VerifierKey`] or several [`Verifiers`], and a [`Signer`].
//! - The log: [`Hash`](struct@Hash)es at the [`Node`]s of a tree, whose [`TreeHead`] is signed; [`RecordProof`] and [`TreeProof`];
//!   [`Tile`]s, and [`TilePlan`] to read hashes from tiles that are not authenticated yet. [`MemoryLog`] is a log.
//! - The client: [`Client`] over a [`Port`], which answers lookups with [`ModuleSums`], and passes on answers, tiles
//!   and [`SignedHead`]s that it has checked.

mod client;
mod encoding;
mod note;
mod tlog;

pub use client::{
    BoxError, Client, ClientError, Fork, HeadOrigin, Lookup, ModuleSums, Port, RemoteError, RemotePath,
    RemotePathError, SignedHead, SumError, SumFile, Swap,
};
pub use note::{
    KeyError, KeyHash, KeyId, KeyName, MAX_NOTE_BYTES, NoteError, Signature, SignedNote, Signer, VerifierKey,
    Verifiers,
};
pub use tlog::{
    AuthenticTiles, Hash, HashError, HashReader, MemoryLog, MissingHash, Node, ProofError, Record,
    RecordError, RecordId, RecordProof, RecordText, Tile, TileError, TileHeight, TileLevel, TilePathError,
    TilePlan, TreeHead, TreeHeadError, TreeProof, TreeSize, new_tiles, stored_hash_count, stored_hashes,
    tree_hash, tree_nodes,
};
