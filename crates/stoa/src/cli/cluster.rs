//! What is said of the cluster on the command line.

use clap::Subcommand;

/// What to do with the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// List the nodes, as the server sees them
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show which node brings a module version in
    Owner {
        /// The module version, or a module path for its list, @latest and branches
        #[arg(value_name = "MODULE[@VERSION]")]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Leave a node out: it answers, and owns nothing any more
    Drain {
        /// The id of the node
        node: String,
        /// Leave it out no more
        #[arg(long)]
        off: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
