//! What was read: every value that is in force, and where it came from.

use std::fmt;

use super::{error::ConfigError, given::Origin, key::Key, table::Table};

/// Everything that was read, for `config show` and for faults that only show when a value is used. Holds no secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// In the order of reading.
    pub(crate) tables: Vec<TableRecord>,
    /// Oddities that are no faults.
    pub(crate) warnings: Vec<String>,
}

/// One table as it was read.
#[derive(Clone, Debug)]
pub(crate) struct TableRecord {
    pub(crate) table: &'static Table,
    pub(crate) values: Vec<ValueRecord>,
}

/// One key as it was read.
#[derive(Clone, Debug)]
pub(crate) struct ValueRecord {
    pub(crate) key: Key,
    /// What is shown; `None` if the key has no value.
    pub(crate) text: Option<String>,
    pub(crate) origin: Origin,
}

impl Record {
    /// A fault of a value that only shows when the value is used, in the form of all other faults.
    pub(crate) fn fault(&self, path: &str, error: impl fmt::Display) -> ConfigError {
        let origin = self.tables.iter().find_map(|record| {
            let is_it = |value: &&ValueRecord| record.table.path(value.key.name) == path;
            Some(&record.values.iter().find(is_it)?.origin)
        });
        let origin = origin.map_or_else(String::new, |origin| format!("{origin}: "));
        ConfigError::new(vec![format!("{origin}{path}: {error}")])
    }
}
