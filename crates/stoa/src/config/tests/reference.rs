//! `docs/reference/configuration.md` says what the declarations say.

use std::collections::BTreeSet;

use crate::config::{
    Config, Configuration as _, Given,
    key::{Key, Presence},
    lab, load,
    table::{Table, Tables},
};

const PAGE: &str = include_str!("../../../../../docs/reference/configuration.md");

/// The row of a key: name, variable if it has one, default, whether it can change at run time, meaning.
fn row(table: &Table, key: &Key) -> String {
    let default = match key.presence {
        Presence::Default("") => String::new(),
        Presence::Default(text) => format!("`{text}`"),
        Presence::Required => "required".to_owned(),
        Presence::Optional if table.one_of.iter().any(|other| other.name == key.name) => {
            "one of these".to_owned()
        }
        Presence::Optional => "optional".to_owned(),
    };
    let live = if key.changes_at_run_time { "yes" } else { "" };
    let path = table.path(key.name);
    match table.repeated {
        None => format!(
            "| `{path}` | `{}` | {default} | {live} | {} |",
            table.variable(key),
            key.help
        ),
        Some(_) => format!("| `{path}` | {default} | {live} | {} |", key.help),
    }
}

/// The rows that the page must have. A key of two tables has one, in the table that stands in the file once.
fn rows(tables: &Tables) -> Vec<String> {
    let shared = |table: &Table| {
        if table.repeated.is_none() {
            table.shared
        } else {
            &[]
        }
    };
    let of_table = |table: &'static Table| {
        let keys = table.keys.iter().chain(table.one_of).chain(shared(table));
        keys.map(|key| row(table, key))
    };
    tables.0.iter().copied().flat_map(of_table).collect()
}

#[test]
fn the_reference_has_a_row_for_every_key_and_no_other() {
    let wanted = rows(&Config::tables());
    let found: Vec<_> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let missing = wanted
        .iter()
        .filter(|row| !found.contains(&row.as_str()))
        .map(|row| format!("add     {row}"));
    let stale = found
        .iter()
        .filter(|row| !wanted.iter().any(|wanted| wanted == *row));
    let stale = stale.map(|row| format!("remove  {row}"));
    let changes: Vec<_> = missing.chain(stale).collect();
    assert!(
        changes.is_empty(),
        "in docs/reference/configuration.md\n{}",
        changes.join("\n")
    );
    assert_eq!(
        found.len(),
        wanted.len(),
        "a row stands in docs/reference/configuration.md twice"
    );
}

#[test]
fn the_text_of_the_reference_names_no_key_that_does_not_exist() {
    let tables = Config::tables();
    let names: BTreeSet<_> = tables.0.iter().map(|table| table.name).collect();
    let words = PAGE.split('`').skip(1).step_by(2);
    for word in words.filter(|word| {
        word.bytes()
            .all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'))
    }) {
        let Some((table, _)) = word.rsplit_once('.').filter(|(table, _)| names.contains(table)) else {
            continue;
        };
        let is_key = tables
            .0
            .iter()
            .any(|known| known.all_keys().any(|key| known.path(key.name) == word));
        assert!(
            is_key || tables.has_table(word),
            "{word}: [{table}] has no such key"
        );
    }
    for header in PAGE
        .split('`')
        .filter(|word| word.starts_with('[') && word.ends_with(']'))
    {
        let name = header.trim_matches(['[', ']']);
        let is_repeated = header.starts_with("[[");
        let table = tables.0.iter().find(|table| table.name == name);
        assert!(
            table.is_some_and(|table| table.repeated.is_some() == is_repeated),
            "there is no {header}"
        );
    }
}

#[test]
fn the_examples_of_the_reference_have_no_name_that_does_not_exist() {
    let blocks: Vec<_> = PAGE
        .split("```toml\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        let file = lab::file(block);
        let given = Given {
            file: Some(file.path().to_owned()),
            data_home: Some("/d".into()),
            ..Given::default()
        };
        let error = load(&given)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(!error.contains("unknown"), "{error}\n{block}");
    }
}
