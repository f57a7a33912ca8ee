//! The TOML file, flattened to keys with line numbers.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A value as text, and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A table of values.
pub(crate) type Values = BTreeMap<String, Written>;

/// A file, read: single values by key, and the tables of each array of tables.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) values: Values,
    pub(crate) tables: BTreeMap<String, Vec<(Place, Values)>>,
    pub(crate) faults: Vec<String>,
}

/// Reads `path`. What cannot be read is a fault in the result, so that the rest is still checked.
pub(crate) fn read(path: &Path) -> File {
    let mut file = File::default();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text, &mut file),
        Err(error) => file.faults.push(format!(
            "{}: cannot read the configuration: {error}",
            path.display()
        )),
    }
    file
}

fn parse(path: &Path, text: &str, file: &mut File) {
    let place = |at: usize| Place {
        file: path.to_owned(),
        line: 1 + text
            .char_indices()
            .take_while(|(i, _)| *i < at)
            .filter(|(_, c)| *c == '\n')
            .count(),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = place(error.span().map_or(0, |span| span.start));
        file.faults.push(format!("{at}: {}", error.message()));
    }
    for (key, value) in document.get_ref() {
        let at = place(key.span().start);
        match value.get_ref() {
            DeValue::Table(section) => {
                for (name, value) in section {
                    let at = place(name.span().start);
                    let key = format!("{}.{}", key.get_ref(), name.get_ref());
                    single(&mut file.values, &mut file.faults, key, value.get_ref(), at);
                }
            }
            DeValue::Array(tables) if tables.iter().any(|table| table.get_ref().is_table()) => {
                let name = key.get_ref().to_string();
                for table in tables {
                    let at = place(table.span().start);
                    let mut values = Values::new();
                    if let DeValue::Table(table) = table.get_ref() {
                        for (name, value) in table {
                            let at = place(name.span().start);
                            let name = name.get_ref().to_string();
                            single(&mut values, &mut file.faults, name, value.get_ref(), at);
                        }
                    }
                    file.tables.entry(name.clone()).or_default().push((at, values));
                }
            }
            value => single(
                &mut file.values,
                &mut file.faults,
                key.get_ref().to_string(),
                value,
                at,
            ),
        }
    }
}

fn single(values: &mut Values, faults: &mut Vec<String>, key: String, value: &DeValue<'_>, place: Place) {
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        other => {
            faults.push(format!(
                "{place}: {key}: expected one value, found {}",
                other.type_str()
            ));
            return;
        }
    };
    values.insert(key, Written { text, place });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> File {
        let mut file = File::default();
        parse(Path::new("stoa.toml"), text, &mut file);
        file
    }

    #[test]
    fn values_know_their_lines() {
        let file = parsed("listen = \":1\"\n\n[pool]\nfetches = 4\n[log]\naccess = false\n");
        assert!(file.faults.is_empty(), "{:?}", file.faults);
        assert_eq!(file.values["pool.fetches"].text, "4");
        assert_eq!(file.values["pool.fetches"].place.to_string(), "stoa.toml:4");
        assert_eq!(file.values["log.access"].text, "false");
    }

    #[test]
    fn arrays_of_tables_are_kept_apart() {
        let file = parsed(
            "[[route]]\nmatch = \"a.example\"\nupstream = \"off\"\n[[route]]\nmatch = \"b.example\"\n",
        );
        let routes = &file.tables["route"];
        assert_eq!(routes.len(), 2);
        assert_eq!(routes[1].1["match"].place.line, 5);
    }

    #[test]
    fn every_syntax_error_is_reported_with_its_line() {
        let file = parsed("listen = \n[pool\nfetches = 4\nx = [1]\n");
        assert!(file.faults.len() >= 2, "{:?}", file.faults);
        assert!(
            file.faults.iter().any(|fault| fault.starts_with("stoa.toml:1: ")),
            "{:?}",
            file.faults
        );
        assert!(
            file.faults.iter().any(|fault| fault.starts_with("stoa.toml:2: ")),
            "{:?}",
            file.faults
        );
    }
}
