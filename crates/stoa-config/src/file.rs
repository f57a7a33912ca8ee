//! The TOML file, flattened to keys with line numbers.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
};

use toml::de::{DeArray, DeTable, DeValue};

use crate::tables::Tables;

/// The longest file that is read, in bytes: many times what thousands of tables take.
const MAX_FILE: u64 = 1 << 20;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
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
pub(crate) fn read(path: &Path, tables: &Tables) -> File {
    let mut file = File::default();
    match read_text(path) {
        Ok(text) => parse(path, &text, tables, &mut file),
        Err(error) => file.faults.push(format!(
            "{}: cannot read the configuration: {error}",
            path.display()
        )),
    }
    file
}

/// The text of a file, a device or a pipe, if it has an end in time.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_string(&mut text);
    // Cut in the middle of a character, a long text is no text.
    if text.len() as u64 > MAX_FILE || read.as_ref().is_ok_and(|read| *read as u64 > MAX_FILE) {
        return Err(io::Error::other(format!("it is longer than {MAX_FILE} bytes")));
    }
    read.map(|_| text)
}

fn parse(path: &Path, text: &str, tables: &Tables, file: &mut File) {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let place = |at: usize| Place {
        file: path.to_owned(),
        line: 1 + ends.partition_point(|end| *end < at),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = place(error.span().map_or(0, |span| span.start));
        file.faults.push(format!("{at}: {}", error.message()));
    }
    let reading = Reading {
        tables,
        place: &place,
    };
    for (key, value) in document.get_ref() {
        let name = key.get_ref();
        match value.get_ref() {
            DeValue::Table(section) => {
                for (inner, value) in section {
                    let name = format!("{name}.{}", inner.get_ref());
                    file.entry(name, inner.span().start, value.get_ref(), &reading);
                }
            }
            value => file.entry(name.to_string(), key.span().start, value, &reading),
        }
    }
}

/// What the reading of a file needs everywhere.
struct Reading<'a> {
    tables: &'a Tables,
    place: &'a dyn Fn(usize) -> Place,
}

impl File {
    /// One value, or the tables of one array.
    fn entry(&mut self, name: String, at: usize, value: &DeValue<'_>, reading: &Reading<'_>) {
        match value {
            DeValue::Array(tables) if tables.iter().any(|table| table.get_ref().is_table()) => {
                for table in tables {
                    let at = (reading.place)(table.span().start);
                    if let Some(values) = self.table(&name, &at, table.get_ref(), reading) {
                        self.tables.entry(name.clone()).or_default().push((at, values));
                    }
                }
            }
            value => match reading.single(&name, value, at) {
                Ok(written) => {
                    self.values.insert(name, written);
                }
                Err(fault) => self.faults.push(fault),
            },
        }
    }

    /// The values of one table; `None` only together with a fault.
    fn table(
        &mut self,
        name: &str,
        at: &Place,
        table: &DeValue<'_>,
        reading: &Reading<'_>,
    ) -> Option<Values> {
        let mut values = Values::new();
        let DeValue::Table(table) = table else {
            let found = table.type_str();
            self.faults
                .push(format!("{at}: {name}: expected a table, found {found}"));
            return None;
        };
        for (key, value) in table {
            let at = key.span().start;
            let key = key.get_ref();
            match reading.single(&format!("{name}.{key}"), value.get_ref(), at) {
                Ok(written) => {
                    values.insert(key.to_string(), written);
                }
                Err(fault) => self.faults.push(fault),
            }
        }
        Some(values)
    }
}

impl Reading<'_> {
    /// A single value as text.
    fn single(&self, name: &str, value: &DeValue<'_>, at: usize) -> Result<Written, String> {
        let place = (self.place)(at);
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Array(items) if self.tables.is_list(name) => list(name, items, &place)?,
            other => {
                // A list that is almost called like one is a mistake in its name.
                let near = self
                    .tables
                    .nearest(name)
                    .filter(|near| near != name && other.is_array());
                return Err(match near {
                    Some(near) => format!("{place}: unknown key {name}; did you mean {near}?"),
                    None => format!("{place}: {name}: expected one value, found {}", other.type_str()),
                });
            }
        };
        Ok(Written { text, place })
    }
}

/// The texts of a list, with commas between them.
fn list(name: &str, items: &DeArray<'_>, place: &Place) -> Result<String, String> {
    let texts = items.iter().map(|item| match item.get_ref() {
        DeValue::String(text) if !text.contains(',') => Ok(text.as_ref()),
        DeValue::String(_) => Err(format!("{place}: {name}: a comma inside of an entry")),
        other => {
            let found = other.type_str();
            Err(format!("{place}: {name}: expected texts, found {found}"))
        }
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab;

    fn parsed(text: &str) -> File {
        let mut file = File::default();
        parse(Path::new("shop.toml"), text, &lab::tables(), &mut file);
        file
    }

    #[test]
    fn values_know_their_lines() {
        let file = parsed("listen = \":1\"\n\n[pool]\nfetches = 4\n[log]\naccess = false\n");
        assert!(file.faults.is_empty(), "{:?}", file.faults);
        assert_eq!(file.values["pool.fetches"].text, "4");
        assert_eq!(file.values["pool.fetches"].place.to_string(), "shop.toml:4");
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
    fn arrays_of_tables_inside_of_a_section_have_its_name() {
        let file = parsed(
            "[dispatch]\nspread = true\n\n[[dispatch.lane]]\nmatch = \"a.example\"\nrate = 3\n\n\
             [[dispatch.lane]]\nmatch = \"b.example\"\n[pool]\nfetches = 4\n",
        );
        assert!(file.faults.is_empty(), "{:?}", file.faults);
        let lanes = &file.tables["dispatch.lane"];
        let lines: Vec<_> = lanes.iter().map(|(place, _)| place.line).collect();
        assert_eq!(lines, [4, 8]);
        assert_eq!(
            (lanes[0].1["rate"].text.as_str(), lanes[0].1["rate"].place.line),
            ("3", 6)
        );
        assert_eq!(lanes[1].1["match"].text, "b.example");
        assert_eq!(file.values["dispatch.spread"].text, "true");
        assert_eq!(file.values["pool.fetches"].place.line, 11);
        let inline = parsed("[dispatch]\nlane = [{ match = \"a.example\" },\n{ match = \"b.example\" }]\n");
        assert_eq!(inline.tables["dispatch.lane"][1].1["match"].place.line, 3);
    }

    #[test]
    fn what_is_neither_one_value_nor_tables_is_a_fault() {
        for (text, want) in [
            (
                "[pool]\nfetches = [1]\n",
                "2: pool.fetches: expected one value, found array",
            ),
            (
                "[pool]\nfetches = []\n",
                "2: pool.fetches: expected one value, found array",
            ),
            (
                "[sumdb]\ndatabase = [\"sum.golang.org\"]\n",
                "2: unknown key sumdb.database; did you mean sumdb.databases?",
            ),
            ("[a]\nb = 1.5\n", "2: a.b: expected one value, found float"),
            ("[a.b]\nc = 1\n", "1: a.b: expected one value, found table"),
            ("[[a.b.c]]\nd = 1\n", "1: a.b: expected one value, found table"),
            (
                "[a]\nb = [{ c = 1 },\n2]\n",
                "3: a.b: expected a table, found integer",
            ),
            ("[[a.b]]\nc = [1]\n", "2: a.b.c: expected one value, found array"),
            (
                "[[a.b]]\ne = 1\n[[a.b.c]]\nd = 1\n",
                "3: a.b.c: expected one value, found array",
            ),
        ] {
            let faults = parsed(text).faults;
            assert!(
                faults.len() == 1 && faults[0].starts_with(&format!("shop.toml:{want}")),
                "{text}: {faults:?}"
            );
        }
    }

    #[test]
    fn every_syntax_error_is_reported_with_its_line() {
        let file = parsed("listen = \n[pool\nfetches = 4\nx = [1]\n");
        assert!(file.faults.len() >= 2, "{:?}", file.faults);
        assert!(
            file.faults.iter().any(|fault| fault.starts_with("shop.toml:1: ")),
            "{:?}",
            file.faults
        );
        assert!(
            file.faults.iter().any(|fault| fault.starts_with("shop.toml:2: ")),
            "{:?}",
            file.faults
        );
    }
}
