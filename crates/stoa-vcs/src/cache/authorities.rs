//! The file of the certificate authorities that programs believe.

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The folder of the file, in which nothing else may be.
const FOLDER: &str = "authorities";
/// The file.
const FILE: &str = "all.pem";

/// Writes the file below the folder of a cache, in place of one that was there.
pub(super) fn write(root: &Path, pem: &str) -> io::Result<PathBuf> {
    let folder = root.join(FOLDER);
    if folder.as_os_str().as_encoded_bytes().contains(&b'\n') {
        return Err(io::Error::other(
            "its name has a line break, which settings cannot have",
        ));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    // It is made beside the folder: a process that is killed leaves nothing in it.
    let mut made = tempfile::Builder::new()
        .prefix("authorities-")
        .tempfile_in(root)?;
    made.write_all(pem.as_bytes())?;
    let file = folder.join(FILE);
    made.persist(&file)?;
    Ok(file)
}
