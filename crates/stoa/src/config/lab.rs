//! What the tests of sections share.

use std::io::Write;

use super::{Config, ConfigError, Given, load};

/// A file in a directory that vanishes with it.
pub(crate) fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(text.as_bytes()).expect("write");
    file
}

/// The configuration of a file. A first line names the storage.
pub(crate) fn config(toml: &str) -> Result<Config, ConfigError> {
    let file = file(&format!("storage = \"memory:\"\n{toml}"));
    load(&Given {
        file: Some(file.path().to_owned()),
        data_home: Some("/d".into()),
        ..Given::default()
    })
}
