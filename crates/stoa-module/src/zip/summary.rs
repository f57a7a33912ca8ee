//! What a module zip comes down to.

use crate::dirhash::H1;

/// What a module zip that passed all checks holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZipSummary {
    /// The identity of the module: names and contents.
    pub h1: H1,
    /// Files, without directory entries.
    pub files: u64,
    /// Bytes of all files, inflated.
    pub uncompressed: u64,
    /// The hash of the `go.mod` in the root, if there is one, as `go.sum` has it.
    pub go_mod_h1: Option<H1>,
}
