//! The names and contents that the checks use, and shorthands to store and read them.

use bytes::Bytes;
use stoa_module::dirhash::H1;
use stoa_module::{ModulePath, ModuleVersion, Version};

use crate::blob::Blob;
use crate::key::{FileKey, FileKind};
use crate::put::Put;
use crate::storage::Storage;

pub(super) fn module(path: &str) -> ModulePath {
    path.parse().expect("the suite's module paths are valid")
}

pub(super) fn version(version: &str) -> Version {
    version.parse().expect("the suite's versions are canonical")
}

pub(super) fn target(path: &str, at: &str) -> ModuleVersion {
    ModuleVersion::new(module(path), version(at)).expect("the suite's versions fit their paths")
}

pub(super) fn key(path: &str, at: &str, kind: FileKind) -> FileKey {
    FileKey::new(target(path, at), kind)
}

/// The key most checks use.
pub(super) fn some_key(kind: FileKind) -> FileKey {
    key("example.com/some/module", "v1.2.3", kind)
}

/// A key of the next version of the same module.
pub(super) fn other_key(kind: FileKind) -> FileKey {
    key("example.com/some/module", "v1.2.4", kind)
}

/// `len` bytes that look different at every place and for every `seed`.
pub(super) fn pattern(len: usize, seed: u64) -> Bytes {
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
pub(super) fn hash(seed: u8) -> H1 {
    H1::from_bytes([seed; 32])
}

/// The file under `key`, which is stored.
pub(super) async fn open(storage: &dyn Storage, key: &FileKey) -> Blob {
    storage
        .open(key)
        .await
        .expect("a stored file opens")
        .expect("the file is stored")
}

/// What is stored under `key`, read as a whole.
pub(super) async fn content(storage: &dyn Storage, key: &FileKey) -> Option<Bytes> {
    let blob = storage.open(key).await.expect("a stored or absent file opens")?;
    let content = blob.bytes(usize::MAX).await.expect("a stored file reads");
    assert_eq!(
        blob.len(),
        content.len() as u64,
        "the length of {key} is that of its content"
    );
    Some(content)
}

pub(super) async fn put(storage: &dyn Storage, key: &FileKey, content: &Bytes) -> Put {
    storage
        .put(key, content.clone())
        .await
        .expect("a small file is stored")
}

/// Stages `content` in pieces of `size` bytes and commits it.
pub(super) async fn commit(
    storage: &dyn Storage,
    key: &FileKey,
    content: &Bytes,
    size: usize,
    h1: Option<&H1>,
) -> Put {
    let mut stage = storage.stage(key).await.expect("a stage begins");
    for piece in content.chunks(size) {
        stage
            .write(content.slice_ref(piece))
            .await
            .expect("a piece is written");
    }
    stage.commit(h1).await.expect("a stage commits")
}
