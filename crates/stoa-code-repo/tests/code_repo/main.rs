//! Modules in repositories: against repositories in memory, rule by rule, and against what cmd/go answered.
//!
//! The answers of cmd/go are read from `STOA_VECTORS`, else from `../shared/vectors` beside the workspace; where that
//! folder is absent, those tests say so and pass. They need git, and the Go distribution that `scripts/tools.sh`
//! installs, of whose sources the repositories are made.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod support;

mod bounds;
mod files;
mod incompatible;
mod infos;
mod latest;
mod lists;
mod oracle;
mod properties;
mod pseudo;
mod reuse;
mod stats;
mod table;
mod zips;
