//! Whose certificates programs believe.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A file of certificate authorities, the only ones that programs believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    file: PathBuf,
}

impl Believed {
    /// Those of this PEM file: an absolute path without line breaks, alone in its folder.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The variables for it. `OpenSSL`, with which svn and fossil are built, and Python know the first two, git the others. A
    /// folder stands for single files, which are believed too: it is that of the file, so that it adds nothing.
    pub(super) fn variables(&self) -> [(&'static str, &OsStr); 4] {
        let file = self.file.as_os_str();
        let folder = self.file.parent().unwrap_or(&self.file).as_os_str();
        [
            ("SSL_CERT_FILE", file),
            ("SSL_CERT_DIR", folder),
            ("GIT_SSL_CAINFO", file),
            ("GIT_SSL_CAPATH", folder),
        ]
    }
}
