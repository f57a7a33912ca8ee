//! Flags that commands share.

use std::{collections::BTreeMap, env, path::PathBuf};

use clap::Args;
use stoa_config::{Given, Variables};

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
    /// Take what the configuration file of skroutz/downloader says, as if flags said it
    #[arg(long, value_name = "FILE")]
    pub(crate) downloader_config: Option<PathBuf>,
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

/// Which running server is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerCommon {
    /// The server, such as <http://127.0.0.1:3000>; default: where the configuration says that it listens
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// File with the admin token; default: `admin.token_file`, else, on this machine, the file that the server has made
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: Common,
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
            downloader_config: None,
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
            downloader_config: None,
        };
        let flags = common.given(some(":0")).flags;
        assert_eq!(flags.len(), 4);
        for flag in flags.keys() {
            assert!(Config::tables().has_key(flag), "{flag}");
        }
    }
}
