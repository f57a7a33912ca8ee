//! What is said of jobs on the command line.

use clap::Subcommand;

use super::JobsAdd;

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Have URLs downloaded
    Add(Box<JobsAdd>),
    /// List jobs, the latest first
    Ls {
        /// Only those in these states: ready, scheduled, running, blocked, ok, dead, cancelled
        #[arg(long, value_name = "STATE,...")]
        state: Option<String>,
        /// Only those of this kind: module, prefetch, url, callback
        #[arg(long)]
        kind: Option<String>,
        /// Only those of this aggregation
        #[arg(long, value_name = "KIND/NAME")]
        aggregation: Option<String>,
        /// Only children of this job
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
        /// Only those whose title has this in it
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// How many, at most 500
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those after the page that ended with this
        #[arg(long, value_name = "CURSOR")]
        before: Option<u64>,
        /// All there are; with --json, one in a line
        #[arg(long, conflicts_with_all = ["limit", "before"])]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one job with its runs
    Show {
        /// The job
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Wait until jobs have ended; fails if one is not done
    Wait {
        /// The jobs
        #[arg(required = true)]
        ids: Vec<String>,
        /// Show no progress
        #[arg(long, short)]
        quiet: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Cancel jobs; those that run are stopped
    Cancel {
        /// The jobs
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Start waiting jobs before all others
    Promote {
        /// The jobs
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Start jobs anew that are dead or were cancelled
    Retry {
        /// The jobs
        #[arg(required = true)]
        ids: Vec<String>,
    },
}
