//! What is said of new downloads on the command line.

use std::path::PathBuf;

use clap::Args;

/// URLs to download, and what is expected of them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct JobsAdd {
    /// What to download, http or https
    #[arg(value_name = "URL", required_unless_present = "from")]
    pub(crate) urls: Vec<String>,
    /// Take URLs from a file, one a line, - for standard input; # begins a comment
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// The aggregation whose limits they share; default: the host of each
    #[arg(long, value_name = "NAME")]
    pub(crate) aggregation: Option<String>,
    /// What the content must hash to; for one URL only
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    /// The most bytes that are accepted
    #[arg(long, value_name = "N")]
    pub(crate) max_bytes: Option<u64>,
    /// Types that are accepted, such as image/*,!image/gif
    #[arg(long, value_name = "LIST")]
    pub(crate) mime_type: Option<String>,
    /// 0 to 9; 0 starts first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) priority: Option<u8>,
    /// A URL that is told the end
    #[arg(long, value_name = "URL")]
    pub(crate) callback: Option<String>,
    /// What is told again with it
    #[arg(long, value_name = "TEXT")]
    pub(crate) extra: Option<String>,
    /// A header of the requests; others may see it in the list of processes: see --header-file
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// A file with headers, one a line, for those that are secret; # begins a comment
    #[arg(long, value_name = "FILE")]
    pub(crate) header_file: Option<PathBuf>,
    /// Wait until they have ended, and fail if one is not done
    #[arg(long)]
    pub(crate) wait: bool,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
