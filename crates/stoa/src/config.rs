//! Configuration: every key, where its value came from, and what it means.
//!
//! Flags win over the environment, the environment over the file, the file over the defaults. [`keys`] is the one
//! table of all keys; [`mod@file`] reads TOML with line numbers; [`values`] reads single values; [`resolve`] makes the
//! [`Config`] that the rest of the program uses, and reports every fault it finds at once.

mod credential;
mod dispatch;
mod file;
mod given;
mod keys;
mod nearest;
mod netrc;
mod print;
mod resolve;
mod resolved;
mod sumdb;
mod table;
mod values;
mod vcs;

pub(crate) use dispatch::names;
pub(crate) use given::{Faults, Given, Variables};
use keys::{KEYS, Key, LISTS};
pub(crate) use print::{sample, show};
pub(crate) use resolve::load;
pub(crate) use resolved::Config;
pub(crate) use sumdb::DatabaseConfig;
