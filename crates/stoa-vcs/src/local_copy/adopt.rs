//! Copies of earlier processes.

use std::io;
use std::path::{Path, PathBuf};

use crate::leftovers::MARK;

/// Finds a whole copy that an earlier process left below `dir`, and removes everything else.
pub(super) fn adopt(dir: &Path, mark: &str) -> io::Result<Option<PathBuf>> {
    let mut whole = None;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let marked = std::fs::read(path.join(MARK)).is_ok_and(|found| found == mark.as_bytes());
        if marked && whole.is_none() {
            whole = Some(path);
        } else {
            remove(&path)?;
        }
    }
    Ok(whole)
}

/// Removes a folder that another task may be removing at the same time.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
