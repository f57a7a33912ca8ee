//! Configuration by declaration.
//!
//! A part of a program declares its keys once: name, default, help. Everything else follows from the declarations:
//!
//! ```text
//! flags > environment > file > defaults     where a value comes from; every value knows its origin
//! load                                      reads everything and reports all faults at once, with file and line
//! show                                      what is in force, as TOML that reads back to the same configuration
//! sample                                    a file with every key, its meaning and its default, commented out
//! conformance                               tests that hold a configuration and its reference page to the declarations
//! ```
//!
//! A [`Section`] is the struct that a part is built from: it names its [`Table`]s of [`Key`]s and reads them with a
//! [`Reader`]. [`configuration!`] makes one struct of a list of sections. [`values`] has parsers of single values.
//!
//! A name that no key has is a fault that says which name was meant. Values that may hold a secret are shown without it.
//! The crate reads one file and nothing else: flags and the environment are given to it.
//!
//! ```
//! use std::time::Duration;
//!
//! use stoa_config::{Given, Key, Reader, Section, Table, configuration, load, values::duration};
//!
//! const TIMEOUT: Key = Key::new("timeout", "30s", "how long open requests may take to end");
//! const DRAIN: Table = Table::once("drain", &[TIMEOUT]);
//!
//! #[derive(Clone, Debug)]
//! struct DrainConfig {
//!     timeout: Duration,
//! }
//!
//! impl Section for DrainConfig {
//!     const TABLES: &'static [Table] = &[DRAIN];
//!
//!     fn read(reader: &mut Reader<'_>) -> Option<Self> {
//!         let timeout = reader.once(&DRAIN).value(&TIMEOUT, duration);
//!         Some(Self { timeout: timeout? })
//!     }
//! }
//!
//! configuration! {
//!     struct Config for "shop" {
//!         drain: DrainConfig,
//!     }
//! }
//!
//! let given = Given {
//!     environment: [("SHOP_DRAIN_TIMEOUT".to_owned(), "5s".to_owned())].into(),
//!     ..Given::default()
//! };
//! let config: Config = load(&given)?;
//! assert_eq!(config.drain.timeout, Duration::from_secs(5));
//! # Ok::<_, stoa_config::ConfigError>(())
//! ```

pub mod conformance;
mod edits;
mod error;
mod file;
mod given;
mod key;
#[cfg(test)]
mod lab;
mod occurrence;
mod read_state;
mod reader;
mod record;
mod section;
mod show;
mod table;
mod tables;
pub mod values;

pub use error::ConfigError;
pub use file::Place;
pub use given::{Given, Origin, Variables};
pub use key::{HIDDEN, Key, Kind, Presence};
pub use occurrence::Occurrence;
pub use reader::Reader;
pub use record::{Record, TableRecord, ValueRecord};
pub use section::{Configuration, Section, load};
pub use show::{sample, show};
pub use table::{Repeated, Table};
pub use tables::Tables;
