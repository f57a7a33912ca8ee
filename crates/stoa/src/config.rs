//! Configuration: every key, where its value came from, and what it means.
//!
//! Flags win over the environment, the environment over the file, the file over the defaults. Each part has a
//! [`section`]: a file that declares its tables and keys ([`table`], [`key`]) and reads them into the struct that the
//! part is built from. [`sections`] lists them all. The [`reader`] gives sections their values, one way for keys and
//! for repeated tables, and collects every fault; [`mod@file`] reads TOML with line numbers, [`values`] single values.
//! [`mod@show`] prints what is in force and the sample, from the declarations.
//!
//! The section of a new part can stand in the part's own file. It takes one line outside of it, in [`sections`]:
//! `jobs: crate::jobs::JobsConfig,`.

mod admin;
mod cache;
mod credential;
mod dispatch;
mod drain;
mod edge;
mod edits;
mod error;
mod fetch;
mod file;
mod given;
pub(crate) mod key;
#[cfg(test)]
mod lab;
mod log;
mod netrc;
mod pool;
pub(crate) mod reader;
mod record;
mod rewrite;
mod secret;
pub(crate) mod section;
mod sections;
mod show;
mod storage;
mod sumdb;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod tls;
mod upstream;
pub(crate) mod values;
mod vcs;

pub(crate) use dispatch::names;
pub(crate) use error::ConfigError;
pub(crate) use given::{Given, Variables};
pub(crate) use section::Configuration;
pub(crate) use sections::Config;
pub(crate) use sumdb::DatabaseConfig;

/// Reads and checks everything, and reports all faults at once.
pub(crate) fn load(given: &Given) -> Result<Config, ConfigError> {
    section::load_as(given)
}

/// The configuration in force, as TOML, with the origin of each value.
pub(crate) fn show(config: &Config) -> String {
    show::show(config.record())
}

/// A file with every key and table, its meaning and its default, all commented out.
pub(crate) fn sample() -> String {
    show::sample(&Config::tables())
}
