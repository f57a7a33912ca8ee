//! The list of all sections, the only place that names them.

use std::fmt;

use super::{
    admin::AdminConfig, cache::CacheConfig, dispatch::DispatchConfig, drain::DrainConfig, edge::EdgeConfig,
    error::ConfigError, fetch::FetchConfig, log::LogConfig, pool::PoolConfig, section::configuration,
    storage::StorageConfig, sumdb::SumdbConfig, tls::TlsConfig, upstream::UpstreamConfig, vcs::VcsConfig,
};

configuration! {
    /// The configuration, checked. A new part adds one line: a field of the type that implements its
    /// [`Section`](super::section::Section). The order is that of reading, showing and the sample.
    pub(crate) struct Config {
        edge: EdgeConfig,
        storage: StorageConfig,
        upstream: UpstreamConfig,
        tls: TlsConfig,
        cache: CacheConfig,
        pool: PoolConfig,
        fetch: FetchConfig,
        dispatch: DispatchConfig,
        vcs: VcsConfig,
        sumdb: SumdbConfig,
        drain: DrainConfig,
        log: LogConfig,
        admin: AdminConfig,
    }
}

impl Config {
    /// A fault of a value that only shows when the value is used, in the form of all other faults.
    pub(crate) fn fault(&self, path: &str, error: impl fmt::Display) -> ConfigError {
        self.record.fault(path, error)
    }
}
