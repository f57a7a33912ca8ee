//! What `config show` prints reads back to the same configuration, whatever the configuration is.

mod texts;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use proptest::{prelude::*, sample::subsequence, test_runner::TestRunner};

use self::texts::{Secrets, Texts, VARIABLES, keys, occurrences};
use crate::config::{
    Config, Configuration as _, Given, Variables,
    key::{Key, Kind},
    lab, load,
    record::Record,
    show,
    table::Table,
};

/// A TOML value, written by another writer than the one that is tested.
fn toml_value(key: &Key, text: &str) -> toml::Value {
    match key.kind {
        Kind::List => toml::Value::Array(text.split(',').map(toml::Value::from).collect()),
        Kind::Value | Kind::Variable => text.into(),
    }
}

/// Tables with their texts, and the keys that are written elsewhere than in the file: as flags, or as variables.
struct Written {
    single: Vec<(&'static Table, Texts)>,
    repeated: Vec<(&'static Table, Vec<Texts>)>,
    elsewhere: Vec<String>,
    by_flag: bool,
}

/// The text of a file, and the rest.
fn configurations(secrets: &Secrets) -> impl Strategy<Value = (String, Given)> + use<> {
    let tables = Config::tables();
    let single: Vec<_> = tables
        .once()
        .map(|table| (Just(table), keys(table, secrets)))
        .collect();
    let repeated = tables
        .repeated()
        .map(|table| (Just(table), occurrences(table, secrets)));
    let repeated: Vec<_> = repeated.collect();
    let paths = tables
        .once()
        .flat_map(|table| table.all_keys().map(|key| table.path(key.name)));
    let paths: Vec<_> = paths.collect();
    let count = paths.len();
    let all = (single, repeated, subsequence(paths, 0..count), any::<bool>());
    all.prop_map(|(single, repeated, elsewhere, by_flag)| {
        let written = Written {
            single,
            repeated,
            elsewhere,
            by_flag,
        };
        written.given()
    })
}

impl Written {
    /// The text of the file, and the rest.
    fn given(self) -> (String, Given) {
        let mut given = Given::default();
        let mut file = toml::Table::new();
        for (table, texts) in self.single {
            let mut written = toml::Table::new();
            for (name, text) in texts {
                let key = table.find(&name).expect("declared");
                let path = table.path(&name);
                match (self.elsewhere.contains(&path), self.by_flag) {
                    (false, _) => _ = written.insert(name, toml_value(key, &text)),
                    (true, false) => _ = given.environment.insert(table.variable(key), text),
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
                    let value = toml_value(table.find(&name).expect("declared"), &text);
                    (name, value)
                });
                toml::Value::Table(values.collect())
            });
            put(&mut file, table.name, written.collect::<Vec<_>>().into());
        }
        (toml::to_string(&file).expect("toml"), given)
    }
}

/// Puts `[[a.b]]` into the table `[a]`.
fn put(file: &mut toml::Table, name: &str, value: toml::Value) {
    match name.split_once('.') {
        None => _ = file.insert(name.to_owned(), value),
        Some((outer, name)) => {
            let outer = file.entry(outer).or_insert_with(|| toml::Table::new().into());
            outer
                .as_table_mut()
                .expect("table")
                .insert(name.to_owned(), value);
        }
    }
}

/// The values of what is shown, without their comments and origins.
fn shown_values(config: &Config) -> String {
    let mut out = String::new();
    for read in &config.record.tables {
        let values = read.values.iter().map(|value| (value.key.name, &value.text));
        let _infallible = writeln!(out, "{} {:?}", read.table.name, values.collect::<Vec<_>>());
    }
    out
}

#[test]
fn what_is_shown_reads_back_to_the_same_configuration() {
    let secrets = Secrets::new();
    let variables = VARIABLES.into_iter().chain([("SSH_AUTH_SOCK", "/run/agent")]);
    let variables: BTreeMap<_, _> = variables
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let read = |given: Given, text: &str| {
        let file = lab::file(text);
        load(&Given {
            file: Some(file.path().to_owned()),
            data_home: Some(PathBuf::from("/home/\"u\"#")),
            variables: Variables(variables.clone()),
            ..given
        })
        .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))
    };
    let property = |(text, given): (String, Given)| {
        let config = read(given, &text)?;
        let shown = show(&config);
        let again = read(Given::default(), &shown)?;
        prop_assert_eq!(shown_values(&config), shown_values(&again), "{}", shown);
        // Printing hides secrets, so these are compared as they are.
        prop_assert_eq!(
            &config.vcs.credentials.by_prefix,
            &again.vcs.credentials.by_prefix
        );
        let meaning = |config: Config| {
            let record = Record::default();
            format!("{:?}", Config { record, ..config })
        };
        prop_assert_eq!(meaning(config), meaning(again), "{}", shown);
        Ok(())
    };
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&configurations(&secrets), property)
        .unwrap_or_else(|error| panic!("{error}"));
}
