//! The storage directory, seen from outside.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use stoa_testing::content::{CHUNK, Content};

use crate::STOA;

/// stoa's own corner of the directory, which nobody is served from.
const PRIVATE: &str = ".stoa";

/// What has been seen in a storage directory.
pub(crate) struct Stored {
    directory: PathBuf,
    /// The inodes of files that have been compared: what is visible never changes, so once is enough.
    seen: HashMap<PathBuf, u64>,
}

impl Stored {
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            seen: HashMap::new(),
        }
    }

    /// Panics unless every visible file is one of `want` (by path), and whole; and every file seen before
    /// still there.
    pub(crate) fn check_all(&mut self, want: &HashMap<String, Content>) {
        let mut visible = HashMap::new();
        for (path, inode) in files(&self.directory) {
            if self.seen.get(&path) != Some(&inode) {
                let name = path.strip_prefix(&self.directory).expect("below it");
                let name = format!("/{}", name.display());
                let content = want
                    .get(&name)
                    .unwrap_or_else(|| panic!("nobody asked for {name}"));
                assert!(
                    is_copy(&path, content),
                    "{name} is visible and differs from its source"
                );
            }
            visible.insert(path, inode);
        }
        for path in self.seen.keys() {
            assert!(visible.contains_key(path), "{} has disappeared", path.display());
        }
        self.seen = visible;
    }

    /// Whether the file of a request path has been seen.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.seen.contains_key(&self.directory.join(&name[1..]))
    }

    /// How many unfinished files there are.
    pub(crate) fn leftovers(&self) -> usize {
        let tmp = self.directory.join(PRIVATE).join("tmp");
        fs::read_dir(tmp).map_or(0, Iterator::count)
    }

    /// Panics unless `stoa verify` finds nothing wrong.
    pub(crate) fn verify(&self) {
        let output = Command::new(STOA)
            .args(["verify", "--json", "--storage"])
            .arg(&self.directory)
            .env_clear()
            .env("STOA_UPSTREAM", "off")
            .output()
            .expect("stoa runs");
        let found = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "verify: {}\n{found}{errors}",
            output.status
        );
        let summary = found.lines().next_back().expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(summary).expect("JSON");
        assert_eq!(summary["bad"], 0, "{summary}");
    }
}

/// All files below a directory but the private ones, with their inodes.
fn files(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        let metadata = entry.metadata().expect("metadata");
        if metadata.is_file() {
            found.push((entry.path(), metadata.ino()));
        } else if entry.file_name() != PRIVATE {
            found.extend(files(&entry.path()));
        }
    }
    found
}

fn is_copy(path: &Path, content: &Content) -> bool {
    let mut file = File::open(path).expect("a visible file");
    if file.metadata().expect("metadata").len() != content.len() {
        return false;
    }
    let mut piece = vec![0; CHUNK];
    content.chunks(0..content.len()).all(|want| {
        let piece = &mut piece[..want.len()];
        file.read_exact(piece).expect("its length has been checked");
        *piece == *want
    })
}
