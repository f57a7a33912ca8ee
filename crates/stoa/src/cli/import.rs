//! What is said of taking over from another proxy on the command line.

use clap::{Args, Subcommand};

/// What to take over.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// What an Athens has kept: on a disk, in a bucket, in `MongoDB`, or as it runs
    Athens(ImportFrom),
    /// A tree of files in the layout of a GOPROXY, or a running proxy that has a /catalog
    Goproxy(ImportFrom),
    /// The module cache of the go command: $GOMODCACHE
    Gomodcache(ImportFrom),
    /// Write the configuration that means what one of Athens means, and say what became of each key
    AthensConfig {
        /// Athens' config.toml; without it only its variables (`ATHENS_...`), which win over it
        file: Option<std::path::PathBuf>,
        /// Write to this new file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
    /// Such trees in a directory, wherever below it they are
    Dir(ImportFrom),
}

/// From where, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportFrom {
    /// `file:///DIR` or a path, `s3://BUCKET/PREFIX`, `gs://...`, `az://...`, or the URL of a running proxy
    #[arg(value_name = "SRC")]
    pub(crate) source: String,
    /// How a bucket is reached: a file of configuration, whose `[storage_options]` count; without it those of the target
    #[arg(long, value_name = "FILE")]
    pub(crate) source_config: Option<std::path::PathBuf>,
    /// How many versions at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) parallel: usize,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print findings and the summary as JSON lines
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) common: super::Common,
}
