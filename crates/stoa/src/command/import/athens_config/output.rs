//! What a configuration of Athens becomes.

use std::fmt::Write as _;

/// A file of configuration in the making, and what is said of it.
#[derive(Debug, Default)]
pub(super) struct Output {
    lines: Vec<Line>,
    modes: Vec<(String, String)>,
    /// One line for each key, and advice.
    pub(super) notes: Vec<String>,
}

#[derive(Debug)]
struct Line {
    /// Empty for the top of the file.
    table: &'static str,
    key: &'static str,
    value: String,
    from: String,
    /// Not in force: a person has to do something first.
    waits: bool,
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Output {
    /// Sets a key of ours, for one of Athens.
    pub(super) fn set(&mut self, table: &'static str, key: &'static str, value: String, from: &str) {
        self.line(table, key, value, from, false);
    }

    /// The same of a key that a person has to switch on, as a file has to be written first.
    pub(super) fn propose(&mut self, table: &'static str, key: &'static str, value: String, from: &str) {
        self.line(table, key, value, from, true);
    }

    fn line(&mut self, table: &'static str, key: &'static str, value: String, from: &str, waits: bool) {
        let name = if table.is_empty() {
            key.to_owned()
        } else {
            format!("{table}.{key}")
        };
        let verb = if waits { "remove the # before" } else { "became" };
        self.notes.push(format!("{from}: {verb} {name} = {value}"));
        self.lines.push(Line {
            table,
            key,
            value,
            from: from.to_owned(),
            waits,
        });
    }

    /// A mode of modules.
    pub(super) fn mode(&mut self, modules: &str, mode: &str, from: &str) {
        self.notes.push(format!(
            "{from}: became [[mode]] match = {modules:?}, mode = {mode:?}"
        ));
        self.modes.push((modules.to_owned(), mode.to_owned()));
    }

    /// Says something of a key.
    pub(super) fn note(&mut self, from: &str, what: &str) {
        self.notes.push(format!("{from}: {what}"));
    }

    /// The file.
    pub(super) fn toml(&self) -> String {
        let mut text = "# Made of a configuration of Athens by `stoa import athens-config`.\n".to_owned();
        let mut tables: Vec<&str> = Vec::new();
        for line in &self.lines {
            if !tables.contains(&line.table) {
                tables.push(line.table);
            }
        }
        // What is at the top of a file comes before all tables.
        tables.sort_by_key(|table| !table.is_empty());
        for table in tables {
            if !table.is_empty() {
                let _infallible = write!(text, "\n[{table}]\n");
            }
            for line in self.lines.iter().filter(|line| line.table == table) {
                let mark = if line.waits { "# " } else { "" };
                let _infallible = writeln!(text, "{mark}{} = {}  # {}", line.key, line.value, line.from);
            }
        }
        for (modules, mode) in &self.modes {
            let _infallible = write!(
                text,
                "\n[[mode]]\nmatch = {}\nmode = {}\n",
                quoted(modules),
                quoted(mode)
            );
        }
        text
    }
}
