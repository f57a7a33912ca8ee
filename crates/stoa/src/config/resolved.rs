//! The configuration that the rest of the program uses.

use std::{fmt, path::PathBuf, time::Duration};

use stoa_fetch::{Limits, UpstreamList};
use stoa_module::{PatternList, zip::ZipLimits};
use stoa_proxy::{NetworkMode, RevalidationOptions};
use stoa_server::{Listen, LogFormat, PathPrefix, TlsFiles};

use super::{
    dispatch::DispatchConfig,
    given::{Faults, Origin},
    keys::Key,
    sumdb::SumdbConfig,
    vcs::VcsConfig,
};

/// One `[[route]]`.
#[derive(Clone, Debug)]
pub(crate) struct RouteConfig {
    pub(crate) patterns: PatternList,
    pub(crate) upstream: UpstreamList,
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: Listen,
    pub(crate) storage: String,
    pub(crate) upstream: UpstreamList,
    pub(crate) routes: Vec<RouteConfig>,
    pub(crate) network: NetworkMode,
    pub(crate) prefix: PathPrefix,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) revalidation: RevalidationOptions,
    pub(crate) memory: u64,
    pub(crate) requests: usize,
    pub(crate) fetches: usize,
    pub(crate) connections: usize,
    pub(crate) dispatch: DispatchConfig,
    pub(crate) vcs: VcsConfig,
    /// The hosts of the proxies that the environment names for outbound HTTP.
    pub(crate) proxy_hosts: Vec<String>,
    pub(crate) sumdb: SumdbConfig,
    /// For one whole transfer.
    pub(crate) total: Duration,
    pub(crate) limits: Limits,
    pub(crate) zip_limits: ZipLimits,
    pub(crate) drain_notice: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: String,
    pub(crate) access_log: bool,
    /// The file with the admin token, read when the server starts.
    pub(crate) admin_token: Option<PathBuf>,
    /// Every key's text and origin, for `config show`. Secrets are cut out.
    pub(crate) origins: Vec<(&'static Key, String, Origin)>,
    /// Oddities that are no faults.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// What was found wrong with a value only when it was used, told like the other faults.
    pub(crate) fn fault(&self, name: &str, error: impl fmt::Display) -> Faults {
        let origin = self.origins.iter().find(|(key, ..)| key.name == name);
        let origin = origin.map_or_else(String::new, |(_, _, origin)| format!("{origin}: "));
        Faults(vec![format!("{origin}{name}: {error}")])
    }
}
