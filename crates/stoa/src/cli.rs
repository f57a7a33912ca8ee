//! The command line.

mod aggr;
mod cluster;
mod common;
mod import;
mod jobs;
mod jobs_add;
mod storage;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::{
    aggr::AggrCommand,
    cluster::ClusterCommand,
    common::{Common, ServerCommon, VerifyCommon, VerifyUpstream},
    import::{ImportCommand, ImportFrom},
    jobs::JobsCommand,
    jobs_add::JobsAdd,
    storage::StorageCommand,
};

/// A Go module proxy in one binary.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the GOPROXY protocol
    Serve {
        /// Where to listen: HOST:PORT, :PORT or unix:PATH [default: 127.0.0.1:3000]
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Run the durable jobs of servers whose store this configuration names, and serve nothing
    Worker {
        /// Where to listen all the same, for health, metrics and the API, and for no modules [default: nowhere]
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
        /// How many jobs of a kind run at a time here; default: `jobs.workers`
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        workers: Option<u32>,
        #[command(flatten)]
        common: Common,
    },
    /// Fetch modules into storage and print them as `go mod download -json` does
    Fetch {
        /// MODULE, MODULE@VERSION, MODULE@BRANCH, MODULE@v1 or MODULE@<v1.5.0
        #[arg(required = true, value_name = "MODULE[@QUERY]")]
        modules: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Read storage again and report what is damaged, or what has changed upstream
    Verify {
        /// Put damaged files aside and fetch them again
        #[arg(long)]
        repair: bool,
        /// Print findings and the summary as JSON lines
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        common: VerifyCommon,
    },
    /// Show and change the lanes of a running server: what it asks of each host
    Lanes {
        #[command(subcommand)]
        command: LanesCommand,
        /// The server, such as <http://127.0.0.1:3000>; default: where the configuration says that it listens
        #[arg(long, value_name = "URL", global = true)]
        server: Option<String>,
        /// File with the admin token; default: `admin.token_file`, else, on this machine, the file that the server has made
        #[arg(long, value_name = "FILE", global = true)]
        token_file: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Have a running server bring in what go.sum, go.mod, `go version -m` or a list of modules asks for
    Prefetch {
        /// Files, - for standard input, or `MODULE[@QUERY]`
        #[arg(required = true, value_name = "FILE|MODULE[@QUERY]")]
        wanted: Vec<String>,
        /// Do not wait for it: print the ids of the jobs
        #[arg(long)]
        detach: bool,
        /// Show no progress
        #[arg(long, short)]
        quiet: bool,
        #[command(flatten)]
        server: ServerCommon,
    },
    /// Show and change the durable jobs of a running server
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
        #[command(flatten)]
        server: ServerCommon,
    },
    /// Show and change the limits that durable jobs of a running server share
    Aggr {
        #[command(subcommand)]
        command: AggrCommand,
        #[command(flatten)]
        server: ServerCommon,
    },
    /// Show the nodes of a cluster, who owns what, and drain nodes
    Cluster {
        #[command(subcommand)]
        command: ClusterCommand,
        #[command(flatten)]
        server: ServerCommon,
    },
    /// Show what a running server has stored, remove from it, make room
    Storage {
        #[command(subcommand)]
        command: StorageCommand,
        #[command(flatten)]
        server: ServerCommon,
    },
    /// Take over what another proxy has kept
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Check, show or begin a configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// What to do with lanes.
#[derive(Debug, Subcommand)]
pub(crate) enum LanesCommand {
    /// List all lanes
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Override settings of a lane: concurrency=8 queue=100 rate=5/s burst=2 breaker=observe
    Set {
        /// HOST, or HOST:PORT for a port other than 443
        host: String,
        /// What to change
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<String>,
        /// For how long, such as 10m; without it, until it is reset
        #[arg(long = "for", value_name = "DURATION")]
        lasting: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Open the breaker of a lane: nothing is sent to the host
    Open {
        /// HOST, or HOST:PORT for a port other than 443
        host: String,
        /// For how long, such as 10m; without it, until it is closed
        #[arg(long = "for", value_name = "DURATION")]
        lasting: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Close the breaker of a lane, however it was opened
    Close {
        /// HOST, or HOST:PORT for a port other than 443
        host: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a lane back to the configuration, its breaker closed and its pause ended
    Reset {
        /// HOST, or HOST:PORT for a port other than 443
        host: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check it and report every fault
    Check {
        #[command(flatten)]
        common: Common,
    },
    /// Print what is in force, and where each value comes from
    Show {
        #[command(flatten)]
        common: Common,
    },
    /// Print a file with every key, its meaning and its default
    Init,
}
