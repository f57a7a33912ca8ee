//! The configuration as text.

use std::fmt::Write as _;

use crate::{
    key::{Key, Kind},
    record::{Record, TableRecord},
    table::Table,
    tables::Tables,
};

/// The configuration in force, as TOML, with the origin of each value. It reads back to the same configuration, unless
/// a secret is hidden.
pub fn show(record: &Record) -> String {
    let mut out = String::new();
    // Keys without a table have to stand before the first header.
    let mut tables: Vec<_> = record.tables.iter().collect();
    tables.sort_by_key(|read| !read.table.name.is_empty());
    for read in tables {
        header(&mut out, read.table, "");
        live(&mut out, read);
        for value in &read.values {
            if let Some(text) = &value.text {
                let origin = one_line(&value.origin.to_string());
                let _infallible = writeln!(out, "{}  # {origin}", assignment(&value.key, text));
            }
        }
    }
    out
}

/// A file with every key, its meaning and its default, and every table with a sample of it, all commented out.
/// The program puts its own words before it.
pub fn sample(tables: &Tables) -> String {
    let mut out = String::new();
    let mut tables = tables.all().to_vec();
    tables.sort_by_key(|table| !table.name.is_empty());
    for table in tables {
        let Some(repeated) = &table.repeated else {
            header(&mut out, table, "");
            for key in table.all_keys() {
                commented(&mut out, key, key.default());
            }
            continue;
        };
        let _infallible = write!(out, "\n# {}. May be repeated.", capital(repeated.help));
        header(&mut out, table, "#");
        for (key, text) in repeated.sample {
            commented(&mut out, key, text);
        }
        let others = table.keys.iter().chain(table.one_of);
        for key in others.filter(|key| repeated.sample.iter().all(|(shown, _)| shown.name != key.name)) {
            let _infallible = writeln!(out, "# {}: {}", key.name, key.help);
        }
    }
    out
}

/// The line that begins a table.
fn header(out: &mut String, table: &Table, comment: &str) {
    let _infallible = match (table.name, &table.repeated) {
        ("", _) => Ok(()),
        (name, None) => writeln!(out, "\n{comment}[{name}]"),
        (name, Some(_)) => writeln!(out, "\n{comment}[[{name}]]"),
    };
}

/// Names the keys that a running server could take a new value of, or, where they are many, the others.
fn live(out: &mut String, read: &TableRecord) {
    let shown = read.values.iter().filter(|value| value.text.is_some());
    let (live, fixed): (Vec<_>, Vec<_>) = shown
        .map(|value| value.key)
        .partition(|key| key.changes_at_run_time);
    let names = |keys: &[Key]| keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
    let which = match (live.len(), fixed.len()) {
        (0, _) => return,
        (_, 0) => "all".to_owned(),
        _ if live.len() > 4 * fixed.len() => format!("all but {}", names(&fixed)),
        _ => names(&live),
    };
    let _infallible = writeln!(out, "# can change at run time: {which}");
}

fn commented(out: &mut String, key: &Key, text: &str) {
    let live = if key.changes_at_run_time {
        " (can change at run time)"
    } else {
        ""
    };
    let _infallible = writeln!(out, "# {}{live}\n#{}", key.help, assignment(key, text));
}

/// A key and its value as the file has them.
fn assignment(key: &Key, text: &str) -> String {
    if key.kind != Kind::List {
        return format!("{} = {}", key.name, quoted(text));
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items: Vec<_> = items.map(string).collect();
    format!("{} = [{}]", key.name, items.join(", "))
}

/// Numbers and booleans bare, everything else as a TOML string.
fn quoted(text: &str) -> String {
    let is_number = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    if is_number || matches!(text, "true" | "false") {
        text.to_owned()
    } else {
        string(text)
    }
}

/// A TOML string of one line, so that a comment can follow it.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// A comment must not hold what ends it.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, "?")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
