//! The command line.

mod jobs;

use std::{collections::BTreeMap, env, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use stoa_config::{Given, Variables};

pub(crate) use self::jobs::{JobsCommand, ServerCommon};

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
        /// Files, - for standard input, or MODULE[@QUERY]
        #[arg(required = true, value_name = "FILE|MODULE[@QUERY]")]
        wanted: Vec<String>,
        /// Do not wait for it: print the ids of the jobs
        #[arg(long)]
        detach: bool,
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

/// Flags that most commands share. Each is also a key and an environment variable.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Common {
    /// Read the configuration from a TOML file [env: `STOA_CONFIG`]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where modules are kept: `file:///DIR`, a path, or `memory:`
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
    /// Where modules come from, in GOPROXY syntax
    #[arg(long, value_name = "LIST")]
    upstream: Option<String>,
    /// online, fallback or offline
    #[arg(long, value_name = "MODE")]
    network: Option<String>,
}

/// The same for `verify`, where `--upstream` says more.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct VerifyCommon {
    /// Read the configuration from a TOML file [env: `STOA_CONFIG`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where modules are kept: `file:///DIR`, a path, or `memory:`
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
    /// Compare with what upstream, or LIST in GOPROXY syntax, and the checksum database have today, and change nothing; with
    /// --repair, LIST is where files come from
    #[arg(long, value_name = "LIST", num_args = 0..=1, default_missing_value = "")]
    upstream: Option<String>,
    /// online, fallback or offline
    #[arg(long, value_name = "MODE")]
    network: Option<String>,
}

/// What `--upstream` of `verify` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VerifyUpstream {
    /// It is not there.
    None,
    /// The upstream of the configuration.
    Configured,
    /// A list of its own.
    List,
}

impl VerifyCommon {
    /// Which upstream the command line names.
    pub(crate) fn upstream(&self) -> VerifyUpstream {
        match self.upstream.as_deref() {
            None => VerifyUpstream::None,
            Some("") => VerifyUpstream::Configured,
            Some(_) => VerifyUpstream::List,
        }
    }

    pub(crate) fn common(self) -> Common {
        Common {
            config: self.config,
            storage: self.storage,
            upstream: self.upstream.filter(|list| !list.is_empty()),
            network: self.network,
        }
    }
}

impl Common {
    /// Everything from outside: these flags, `listen`, and the environment, which is read here and nowhere else.
    pub(crate) fn given(self, listen: Option<String>) -> Given {
        let flags = [
            ("listen", listen),
            ("storage", self.storage),
            ("upstream", self.upstream),
            ("network", self.network),
        ];
        let flags: BTreeMap<_, _> = flags
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        // What is no text is nothing that we could read.
        let variables: BTreeMap<_, _> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let ours = variables.iter().filter(|(name, _)| name.starts_with("STOA_"));
        let environment: BTreeMap<_, _> = ours.map(|(name, value)| (name.clone(), value.clone())).collect();
        let file = self
            .config
            .or_else(|| environment.get("STOA_CONFIG").map(PathBuf::from));
        let absolute = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let data_home = absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local").join("share")));
        Given {
            file,
            flags,
            environment,
            data_home,
            variables: Variables::new(variables),
        }
    }
}

#[cfg(test)]
mod tests {
    use stoa_config::Configuration as _;

    use super::*;
    use crate::config::Config;

    #[test]
    fn every_flag_is_a_key() {
        let some = |text: &str| Some(text.to_owned());
        let common = Common {
            config: None,
            storage: some("memory:"),
            upstream: some("off"),
            network: some("offline"),
        };
        let flags = common.given(some(":0")).flags;
        assert_eq!(flags.len(), 4);
        for flag in flags.keys() {
            assert!(Config::tables().has_key(flag), "{flag}");
        }
    }
}
