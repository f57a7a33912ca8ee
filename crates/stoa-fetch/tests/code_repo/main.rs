//! Modules in repositories: against repositories in memory, rule by rule.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod support;

mod answers;
mod bounds;
mod files;
mod incompatible;
mod infos;
mod latest;
mod lists;
mod properties;
mod pseudo;
mod stats;
mod zips;
