//! A configuration as its texts.

use std::collections::BTreeMap;

use crate::{
    given::Given,
    key::{Key, Kind},
    table::Table,
    tables::Tables,
};

/// The keys of a table that are written, with their texts.
pub type Texts = BTreeMap<String, String>;

/// Tables with their texts, and the keys that are written elsewhere than in the file: as flags, or as variables.
#[derive(Clone, Debug)]
pub struct WrittenTables {
    /// Tables that stand in the file once.
    pub once: Vec<(&'static Table, Texts)>,
    /// Tables that are repeated, each with its occurrences.
    pub repeated: Vec<(&'static Table, Vec<Texts>)>,
    /// The keys that are not written in the file, each with its table.
    pub elsewhere: Vec<String>,
    /// Whether these are flags; else they are variables.
    pub by_flag: bool,
}

impl WrittenTables {
    /// The text of the file, and the flags and variables. Another writer of TOML writes it than
    /// [`show`](crate::show()), which is tested with it.
    ///
    /// # Panics
    /// A key that its table does not declare.
    pub fn given(self, tables: &Tables) -> (String, Given) {
        let mut given = Given::default();
        let mut file = toml::Table::new();
        for (table, texts) in self.once {
            let mut written = toml::Table::new();
            for (name, text) in texts {
                let path = table.path(&name);
                let key = declared(table, &name);
                match (self.elsewhere.contains(&path), self.by_flag) {
                    (false, _) => _ = written.insert(name, value(key, &text)),
                    (true, false) => _ = given.environment.insert(tables.variable(table, key), text),
                    // Flags have static names. A test may leak a few.
                    (true, true) => _ = given.flags.insert(path.leak(), text),
                }
            }
            match table.name {
                "" => file.extend(written),
                name => _ = file.insert(name.to_owned(), written.into()),
            }
        }
        for (table, occurrences) in self.repeated.into_iter().filter(|(_, all)| !all.is_empty()) {
            let written = occurrences.into_iter().map(|texts| {
                let values = texts.into_iter().map(|(name, text)| {
                    let value = value(declared(table, &name), &text);
                    (name, value)
                });
                toml::Value::Table(values.collect())
            });
            put(&mut file, table.name, written.collect::<Vec<_>>().into());
        }
        (
            toml::to_string(&file).expect("texts and lists of texts are TOML"),
            given,
        )
    }
}

fn declared(table: &Table, name: &str) -> &'static Key {
    let key = table.find(name);
    key.unwrap_or_else(|| panic!("{} is not declared", table.path(name)))
}

fn value(key: &Key, text: &str) -> toml::Value {
    match key.kind {
        Kind::List => toml::Value::Array(text.split(',').map(toml::Value::from).collect()),
        Kind::Value | Kind::Texts | Kind::Variable => text.into(),
    }
}

/// Puts `[[a.b]]` into the table `[a]`.
fn put(file: &mut toml::Table, name: &str, value: toml::Value) {
    match name.split_once('.') {
        None => _ = file.insert(name.to_owned(), value),
        Some((outer, name)) => {
            let outer = file.entry(outer).or_insert_with(|| toml::Table::new().into());
            let outer = outer.as_table_mut().expect("only tables have names like keys");
            outer.insert(name.to_owned(), value);
        }
    }
}
