//! Configuration: every key, where its value came from, and what it means.
//!
//! Flags win over the environment, the environment over the file, the file over the defaults; [`stoa_config`] does all
//! of that. Each part has a section here: a file that declares its tables and keys and reads them into the struct that
//! the part is built from. [`sections`] lists them all.
//!
//! The section of a new part can stand in the part's own file. It takes one line outside of it, in [`sections`]:
//! `pub(crate) jobs: crate::jobs::JobsConfig,`.

mod admin;
mod advice;
mod aggregations;
mod cache;
mod credential;
mod dispatch;
mod downloader;
mod drain;
mod edge;
mod external;
mod fetch;
mod gc;
mod headers;
mod index;
mod job_redis;
mod job_store;
mod jobs;
#[cfg(test)]
pub(crate) mod lab;
mod log;
mod metrics;
mod mirror;
mod mode;
mod peer;
mod pool;
mod private_file;
mod registry;
mod registry_node;
mod rewrite;
mod sections;
mod storage;
mod sumdb;
#[cfg(test)]
mod tests;
mod tls;
mod toolchains;
mod upstream;
mod values;
mod vcs;
mod webhook;

pub(crate) use dispatch::names;
pub(crate) use downloader::Translated;
pub(crate) use index::IndexStore;
pub(crate) use job_store::JobStore;
pub(crate) use jobs::JobsConfig;
pub(crate) use peer::PeerConfig;
pub(crate) use registry::RegistryBackend;
pub(crate) use sections::Config;
pub(crate) use stoa_config::{ConfigError, Given};
pub(crate) use storage::StorageConfig;
pub(crate) use sumdb::{DatabaseConfig, DatabaseServer};
pub(crate) use toolchains::ToolchainsConfig;

use stoa_config::Configuration as _;

/// What the sample begins with.
const INTRODUCTION: &str = "\
# stoa configuration. Every key is shown with its default; remove the # to change it.
# A flag or an environment variable (STOA_LISTEN, STOA_CACHE_LIST_TTL) wins over this file.

";

/// Reads and checks everything, and reports all faults at once.
pub(crate) fn load(given: &Given) -> Result<Config, ConfigError> {
    let mut config: Config = stoa_config::load(given)?;
    let advice = advice::advice(&config);
    config.record.warnings.extend(advice);
    Ok(config)
}

/// The configuration in force, as TOML, with the origin of each value.
pub(crate) fn show(config: &Config) -> String {
    stoa_config::show(&config.record)
}

/// A file with every key and table, its meaning and its default, all commented out.
pub(crate) fn sample() -> String {
    INTRODUCTION.to_owned() + &stoa_config::sample(&Config::tables())
}
