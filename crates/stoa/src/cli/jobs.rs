//! What is said of jobs on the command line.

use clap::Subcommand;

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, the latest first
    Ls {
        /// Only those in these states: ready, scheduled, running, blocked, ok, dead, cancelled
        #[arg(long, value_name = "STATE,...")]
        state: Option<String>,
        /// Only children of this job
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
        /// Only those whose title has this in it
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one job with its runs, as JSON
    Show {
        /// The job
        id: String,
    },
    /// Wait until jobs have ended; fails if one is not done
    Wait {
        /// The jobs
        #[arg(required = true)]
        ids: Vec<String>,
        /// Show no progress
        #[arg(long, short)]
        quiet: bool,
    },
    /// Cancel jobs; those that run are stopped
    Cancel {
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
