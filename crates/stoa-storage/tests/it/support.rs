//! What the tests share.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;
use stoa_storage::{FileKey, FileKind, Put, Storage};

pub(crate) fn target(path: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(path.parse().unwrap(), version.parse().unwrap()).unwrap()
}

pub(crate) fn key(path: &str, version: &str, kind: FileKind) -> FileKey {
    FileKey::new(target(path, version), kind)
}

pub(crate) fn zip_key() -> FileKey {
    key("example.com/m", "v1.0.0", FileKind::Zip)
}

pub(crate) fn hash(seed: u8) -> H1 {
    H1::from_bytes([seed; 32])
}

pub(crate) async fn commit(
    storage: &dyn Storage,
    key: &FileKey,
    content: &'static str,
    h1: Option<&H1>,
) -> Put {
    let mut stage = storage.stage(key).await.unwrap();
    stage.write(Bytes::from_static(content.as_bytes())).await.unwrap();
    stage.commit(h1).await.unwrap()
}

/// Every file below `root`, `.stoa` left out: path and content.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(root, root, &mut files);
    files.retain(|path, _| !path.starts_with(".stoa/"));
    files
}

/// Every file below `root` in `.stoa/tmp` or `.stoa/quarantine`.
pub(crate) fn private_tree(root: &Path, directory: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let directory = root.join(".stoa").join(directory);
    collect(&directory, &directory, &mut files);
    files
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            collect(root, &entry.path(), files);
        } else {
            let name = entry
                .path()
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}
