//! What was read: every value that is in force, and where it came from.

use std::fmt;

use crate::{error::ConfigError, given::Origin, key::Key, table::Table};

/// Everything that was read, for [`show`](crate::show()) and for faults that only show when a value is used. Holds no secret.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// In the order of reading.
    pub tables: Vec<TableRecord>,
    /// Oddities that are no faults.
    pub warnings: Vec<String>,
}

/// One table as it was read.
#[derive(Clone, Debug)]
pub struct TableRecord {
    /// Its declaration.
    pub table: &'static Table,
    /// Its keys, in the order of reading.
    pub values: Vec<ValueRecord>,
}

/// One key as it was read.
#[derive(Clone, Debug)]
pub struct ValueRecord {
    /// Its declaration.
    pub key: Key,
    /// What is shown; `None` if the key has no value.
    pub text: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
}

impl Record {
    /// A fault of a value that only shows when the value is used, in the form of all other faults.
    pub fn fault(&self, path: &str, error: impl fmt::Display) -> ConfigError {
        let origin = self.tables.iter().find_map(|record| {
            let is_it = |value: &&ValueRecord| record.table.path(value.key.name) == path;
            Some(&record.values.iter().find(is_it)?.origin)
        });
        let origin = origin.map_or_else(String::new, |origin| format!("{origin}: "));
        ConfigError::new(vec![format!("{origin}{path}: {error}")])
    }
}
