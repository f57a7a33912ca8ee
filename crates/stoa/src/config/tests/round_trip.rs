//! What `config show` prints reads back to the same configuration, whatever the configuration is.

mod cluster_texts;
mod storage_texts;
mod texts;
mod upkeep_texts;

use std::{collections::BTreeMap, path::PathBuf};

use proptest::{prelude::*, sample::subsequence, test_runner::TestRunner};
use stoa_config::{
    Configuration as _, Record, Variables,
    conformance::{WrittenTables, shown_values},
};

use self::texts::{Secrets, VARIABLES, keys, occurrences};
use crate::config::{Config, Given, lab, load, show};

/// The text of a file, and the rest.
fn configurations(secrets: &Secrets) -> impl Strategy<Value = (String, Given)> + use<> {
    let tables = Config::tables();
    let once: Vec<_> = tables
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
    let all = (once, repeated, subsequence(paths, 0..count), any::<bool>());
    all.prop_map(|(once, repeated, elsewhere, by_flag)| {
        let written = WrittenTables {
            once,
            repeated,
            elsewhere,
            by_flag,
        };
        written.given(&Config::tables())
    })
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
            variables: Variables::new(variables.clone()),
            ..given
        })
        .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))
    };
    let property = |(text, given): (String, Given)| {
        let config = read(given, &text)?;
        let shown = show(&config);
        let again = read(Given::default(), &shown)?;
        prop_assert_eq!(
            shown_values(&config.record),
            shown_values(&again.record),
            "{}",
            shown
        );
        // Printing hides secrets, so these are compared as they are.
        prop_assert_eq!(&config.vcs.credentials.rules, &again.vcs.credentials.rules);
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
