//! The suite every storage passes: each clause of the contracts of [`Storage`] and
//! [`Records`](crate::Records) as a check.
//!
//! Adapters and decorators run it in their tests:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use stoa_storage::{MemoryStorage, Storage, conformance};
//!
//! conformance::run(async || Arc::new(MemoryStorage::new(64 << 20)) as Arc<dyn Storage>).await;
//! # });
//! ```

mod files;
mod listings;
mod quarantine;
mod races;
mod records;
mod stages;

use std::sync::Arc;

use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion, Version};

use crate::blob::Blob;
use crate::key::{FileKey, FileKind};
use crate::storage::{Put, Storage};

/// Runs every check, each on a storage of its own from `make`, which must be empty and have room for 64 MiB.
///
/// # Panics
///
/// At the first broken clause.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Storage>) {
    files::run(&make).await;
    stages::run(&make).await;
    races::run(&make).await;
    listings::run(&make).await;
    quarantine::run(&make).await;
    records::run(&make).await;
}

fn module(path: &str) -> ModulePath {
    path.parse().expect("the suite's module paths are valid")
}

fn version(version: &str) -> Version {
    version.parse().expect("the suite's versions are canonical")
}

fn target(path: &str, at: &str) -> ModuleVersion {
    ModuleVersion::new(module(path), version(at)).expect("the suite's versions fit their paths")
}

fn key(path: &str, at: &str, kind: FileKind) -> FileKey {
    FileKey::new(target(path, at), kind)
}

/// The key most checks use.
fn some_key(kind: FileKind) -> FileKey {
    key("example.com/some/module", "v1.2.3", kind)
}

/// `len` bytes that look different at every place and for every `seed`.
fn pattern(len: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut content = Vec::with_capacity(len + 8);
    while content.len() < len {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        content.extend_from_slice(&(state >> 16).to_le_bytes());
    }
    content.truncate(len);
    content.into()
}

/// Some hash; different seeds give different ones.
fn hash(seed: u8) -> H1 {
    H1::from_bytes([seed; 32])
}

/// The file under `key`, which is stored.
async fn open(storage: &dyn Storage, key: &FileKey) -> Blob {
    storage
        .open(key)
        .await
        .expect("a stored file opens")
        .expect("the file is stored")
}

/// What is stored under `key`, read as a whole.
async fn content(storage: &dyn Storage, key: &FileKey) -> Option<Bytes> {
    let blob = storage.open(key).await.expect("a stored or absent file opens")?;
    let content = blob.bytes(usize::MAX).await.expect("a stored file reads");
    assert_eq!(
        blob.len(),
        content.len() as u64,
        "the length of {key} is that of its content"
    );
    Some(content)
}

async fn put(storage: &dyn Storage, key: &FileKey, content: &Bytes) -> Put {
    storage
        .put(key, content.clone())
        .await
        .expect("a small file is stored")
}

/// Stages `content` in pieces of `size` bytes and commits it.
async fn commit(storage: &dyn Storage, key: &FileKey, content: &Bytes, size: usize, h1: Option<&H1>) -> Put {
    let mut stage = storage.stage(key).await.expect("a stage begins");
    for piece in content.chunks(size) {
        stage
            .write(content.slice_ref(piece))
            .await
            .expect("a piece is written");
    }
    stage.commit(h1).await.expect("a stage commits")
}
