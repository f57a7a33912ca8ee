//! What a module cache holds.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::content::hex;

/// Relative path to SHA-256 for every file below `root` that content decides on.
pub(super) fn take(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    visit(root, "", &mut files);
    files
}

fn visit(directory: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        entries => entries.unwrap_or_else(|error| panic!("{}: {error}", directory.display())),
    };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            if name != "cache/vcs" {
                visit(&entry.path(), &format!("{name}/"), files);
            }
        } else if name != "cache/lock"
            && Path::new(&name)
                .extension()
                .is_none_or(|extension| extension != "lock")
        {
            files.insert(name, hex(&digest(&entry.path())));
        }
    }
}

fn digest(file: &Path) -> Vec<u8> {
    let mut hasher = Sha256::new();
    let mut file = fs::File::open(file).unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer).unwrap() {
            0 => return hasher.finalize().to_vec(),
            read => hasher.update(&buffer[..read]),
        }
    }
}
