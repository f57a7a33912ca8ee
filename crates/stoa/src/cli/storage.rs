//! What is said of the storage on the command line.

use clap::Subcommand;

/// What to do with what is stored.
#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// List stored versions, with sizes, origins and last uses
    Ls {
        /// Only module paths that begin with this; MODULE@ for one module
        #[arg(default_value = "")]
        prefix: String,
        /// Print JSON lines
        #[arg(long)]
        json: bool,
    },
    /// Show how much modules take, the largest first
    Du {
        /// Only module paths that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// How many modules are shown
        #[arg(long, value_name = "N", default_value_t = 20)]
        top: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what was used the longest time ago, by the rules of `[gc]`
    Gc {
        /// Only show what would go
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove versions from this server, its memory and the other nodes
    Rm {
        /// MODULE@VERSION, or MODULE for all its stored versions
        #[arg(required = true, value_name = "MODULE[@VERSION]")]
        versions: Vec<String>,
        /// Why: it is written to the log of administration
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy everything to another storage, without a server; what is there already is passed over
    Copy {
        /// Where from; default: the storage of the configuration
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// Where to: as the setting `storage` has it; without it, the `storage` of --to-config
        #[arg(long, value_name = "URL", required_unless_present = "to_config")]
        to: Option<String>,
        /// A file of configuration, whose `[storage_options]` say how the other storage is reached
        #[arg(long, value_name = "FILE")]
        to_config: Option<std::path::PathBuf>,
        /// How many versions at a time
        #[arg(long, value_name = "N", default_value_t = 8)]
        parallel: usize,
        /// Show no progress
        #[arg(long, short)]
        quiet: bool,
        /// Print findings and the summary as JSON lines
        #[arg(long)]
        json: bool,
    },
    /// Make the index anew from the files that are stored
    Reindex {
        /// Do not wait for its end
        #[arg(long)]
        detach: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
