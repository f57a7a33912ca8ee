//! Sections of a program that this crate knows nothing of.

mod round_trip;
mod third_party;

use std::io::Write;

/// A file in a directory that vanishes with it.
fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(text.as_bytes()).expect("write");
    file
}
