//! The list of all sections, the only place that names them.

use std::fmt;

use stoa_config::{ConfigError, configuration};

use super::{
    admin::AdminConfig, cache::CacheConfig, dispatch::DispatchConfig, drain::DrainConfig, edge::EdgeConfig,
    external::ExternalConfig, fetch::FetchConfig, gc::GcConfig, index::IndexConfig, jobs::JobsConfig,
    log::LogConfig, metrics::MetricsConfig, mirror::MirrorsConfig, mode::ModesConfig, peer::PeerConfig,
    pool::PoolConfig, registry::RegistryConfig, storage::StorageConfig, sumdb::SumdbConfig, tls::TlsConfig,
    toolchains::ToolchainsConfig, upstream::UpstreamConfig, vcs::VcsConfig, webhook::WebhookConfig,
};

configuration! {
    /// The configuration, checked. A new part adds one line: a field of the type that implements its
    /// [`Section`](stoa_config::Section). The order is that of reading, showing and the sample.
    pub(crate) struct Config for "stoa" {
        pub(crate) edge: EdgeConfig,
        pub(crate) storage: StorageConfig,
        pub(crate) index: IndexConfig,
        pub(crate) gc: GcConfig,
        pub(crate) external: ExternalConfig,
        pub(crate) upstream: UpstreamConfig,
        pub(crate) modes: ModesConfig,
        pub(crate) tls: TlsConfig,
        pub(crate) cache: CacheConfig,
        pub(crate) pool: PoolConfig,
        pub(crate) fetch: FetchConfig,
        pub(crate) dispatch: DispatchConfig,
        pub(crate) vcs: VcsConfig,
        pub(crate) sumdb: SumdbConfig,
        pub(crate) toolchains: ToolchainsConfig,
        pub(crate) drain: DrainConfig,
        pub(crate) log: LogConfig,
        pub(crate) admin: AdminConfig,
        pub(crate) metrics: MetricsConfig,
        pub(crate) webhook: WebhookConfig,
        pub(crate) jobs: JobsConfig,
        pub(crate) mirrors: MirrorsConfig,
        pub(crate) registry: RegistryConfig,
        pub(crate) peer: PeerConfig,
    }
}

impl Config {
    /// A fault of a value that only shows when the value is used, in the form of all other faults.
    pub(crate) fn fault(&self, path: &str, error: impl fmt::Display) -> ConfigError {
        self.record.fault(path, error)
    }
}
