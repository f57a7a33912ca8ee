//! What was read, in a form that tests compare.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{record::Record, table::Table, tables::Tables};

/// How many times each key was read: `[cache] list_ttl` once. Where every repeated table occurs once, this equals
/// [`keys_declared`]; a section that forgets a key, or reads one by another declaration, is found by that.
pub fn keys_read(record: &Record) -> BTreeMap<String, usize> {
    let mut read = BTreeMap::new();
    for record in &record.tables {
        for value in &record.values {
            *read
                .entry(format!("[{}] {}", record.table.name, value.key.name))
                .or_default() += 1;
        }
    }
    read
}

/// Every declared key, once.
pub fn keys_declared(tables: &Tables) -> BTreeMap<String, usize> {
    let of_table = |table: &'static Table| {
        let keys = table.all_keys();
        keys.map(|key| (format!("[{}] {}", table.name, key.name), 1))
    };
    tables.all().iter().copied().flat_map(of_table).collect()
}

/// The values of what is shown, without their origins.
pub fn shown_values(record: &Record) -> String {
    let mut out = String::new();
    for read in &record.tables {
        let values = read.values.iter().map(|value| (value.key.name, &value.text));
        let _infallible = writeln!(out, "{} {:?}", read.table.name, values.collect::<Vec<_>>());
    }
    out
}
