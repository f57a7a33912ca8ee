//! Modules made for tests, byte by byte, by none of the code under test.

mod archive;
mod example;
mod hash;
pub(crate) mod listing;
mod module;

pub use archive::stored_zip;
pub use example::{ExampleWorkspace, example_workspace};
pub use hash::h1;
pub use module::{ModuleFixture, escape};

use crate::content::Content;

/// A valid module whose zip has exactly `size` bytes, nearly all of them pseudo-random and generated
/// as they are read: half a gigabyte costs no memory. Its checksum is computed here, at about a
/// gigabyte a second.
///
/// Serve it as it is, or gated near its end with [`Reply::gated_at_end`](crate::reply::Reply::gated_at_end).
pub fn large_zip_fixture(module: &str, version: &str, size: u64) -> ModuleFixture {
    let with_payload = |len| {
        ModuleFixture::new(module, version)
            .file(
                "large.go",
                "// Package large has more data than code.\npackage large\n",
            )
            .file("payload.bin", Content::random(len, 0x57_0a))
    };
    let overhead = with_payload(0).zip().len();
    assert!(size > overhead, "a module zip has at least {overhead} bytes");
    with_payload(size - overhead)
}
