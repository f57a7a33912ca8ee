//! What is said of aggregations on the command line.

use clap::Subcommand;

/// What to do with aggregations: limits that jobs share.
#[derive(Debug, Subcommand)]
pub(crate) enum AggrCommand {
    /// List all aggregations that have jobs or limits of their own
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one aggregation
    Show {
        /// Such as url/files.example or module/github.com
        #[arg(value_name = "KIND/NAME")]
        aggregation: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set limits: concurrency=4 rate=10/s (rate= for none) weight=2 paused=true
    Set {
        /// Such as url/files.example or module/github.com
        #[arg(value_name = "KIND/NAME")]
        aggregation: String,
        /// What to change
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Start none of its jobs; what runs goes on
    Pause {
        /// Such as url/files.example or module/github.com
        #[arg(value_name = "KIND/NAME")]
        aggregation: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Start its jobs again
    Resume {
        /// Such as url/files.example or module/github.com
        #[arg(value_name = "KIND/NAME")]
        aggregation: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give it its default limits again
    Reset {
        /// Such as url/files.example or module/github.com
        #[arg(value_name = "KIND/NAME")]
        aggregation: String,
    },
}
