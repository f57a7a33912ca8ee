//! The configuration that the rest of the program uses.

use std::time::Duration;

use stoa_fetch::{Deadlines, Limits, UpstreamList};
use stoa_module::{PatternList, zip::ZipLimits};
use stoa_proxy::{NetworkMode, RevalidationOptions};
use stoa_server::{Listen, LogFormat, PathPrefix, TlsFiles};

use super::{given::Origin, keys::Key};

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
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    pub(crate) zip_limits: ZipLimits,
    pub(crate) drain_notice: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: String,
    pub(crate) access_log: bool,
    /// Every key's text and origin, for `config show`. Secrets are cut out.
    pub(crate) origins: Vec<(&'static Key, String, Origin)>,
    /// Oddities that are no faults.
    pub(crate) warnings: Vec<String>,
}
