//! Bounds on what is taken from a repository.

use std::time::Duration;

use stoa_module::zip::{Level, MAX_GO_MOD, MAX_LICENSE};

/// Bounds on one repository and the zips made of it.
///
/// The largest module is the go command's own rule: 500 MiB of files, and a zip of 500 MiB.
#[derive(Clone, Debug)]
pub struct CodeLimits {
    /// The largest go.mod, in bytes.
    pub go_mod: u64,
    /// The largest LICENSE that a module takes over from the root of its repository, in bytes.
    pub license: u64,
    /// The largest tree that a zip is made of, in bytes of content, with the modules inside of it that are left out.
    pub tree: u64,
    /// The most entries of such a tree.
    pub entries: usize,
    /// The most bytes of their names.
    pub names: u64,
    /// The most that such a tree may have once it is compressed, without what is left out for sure, in bytes.
    pub spool: u64,
    /// How much of a zip may wait in memory, in bytes; what is larger waits in a file without a name.
    pub memory: usize,
    /// How much compressed content is kept for the next zips of the same repository, in bytes.
    pub contents: u64,
    /// How much of the last answers is remembered, in bytes.
    pub answers: u64,
    /// How many threads compress the files of one zip, at least 1; one more reads them.
    pub threads: usize,
    /// How hard they do.
    pub level: Level,
    /// How long answers about tags and branches hold; zero asks the repository every time.
    pub remember: Duration,
}

impl Default for CodeLimits {
    /// The go command's sizes; trees of 4 GiB with 500,000 entries, 1 GiB when they are compressed; 4 MiB in memory, and
    /// 64 MiB for the next zips, 16 MiB for answers; a thread for each processor, at most 8; answers hold for 10 seconds.
    fn default() -> Self {
        Self {
            go_mod: MAX_GO_MOD,
            license: MAX_LICENSE,
            tree: 4 << 30,
            entries: 500_000,
            names: 128 << 20,
            spool: 1 << 30,
            memory: 4 << 20,
            contents: 64 << 20,
            answers: 16 << 20,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(8)),
            level: Level::new(5),
            remember: Duration::from_secs(10),
        }
    }
}
