//! What `show` prints reads back to the same values, whatever they are and wherever they are written.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use stoa_config::{
    Configuration as _, Given, Table,
    conformance::{Texts, WrittenTables, shown_values},
    load, show,
};

use crate::{file, third_party::WithBells};

/// Any text at all, with what TOML and comments could trip over.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{1,12}",
        "[a-z\"'\\\\#= \t\n\r\\[\\]\u{1}\u{7f}\u{85}]{1,12}",
        prop::sample::select(vec![
            "true",
            "7",
            "007",
            "-1",
            "1.5",
            "+3",
            "99999999999999999999",
            "1979-05-27"
        ])
        .prop_map(str::to_owned),
    ]
}

fn values(name: &str) -> BoxedStrategy<String> {
    let one_of = |texts: &'static [&'static str]| prop::sample::select(texts).prop_map(str::to_owned).boxed();
    match name {
        "every" | "list_ttl" => one_of(&["1ms", "1h 30m", "7d", "0s"]),
        "memory" => one_of(&["0", "4096", "1 kib", "18446744073709551615"]),
        "weight" => one_of(&["1", "007", "1000000"]),
        "towers" => vec("[a-z\"\\\\#\\[\\]]{1,6}", 1..4)
            .prop_map(|towers| towers.join(","))
            .boxed(),
        _ => any_text().boxed(),
    }
}

fn texts(table: &'static Table) -> impl Strategy<Value = Texts> {
    let keys: Vec<_> = table.all_keys().collect();
    let written = move |key: &&'static stoa_config::Key| match key.presence {
        stoa_config::Presence::Required => values(key.name).prop_map(Some).boxed(),
        _ => option::of(values(key.name)).boxed(),
    };
    let texts: Vec<_> = keys.iter().map(written).collect();
    texts.prop_map(move |texts| {
        let written = keys.iter().zip(texts);
        written
            .filter_map(|(key, text)| Some((key.name.to_owned(), text?)))
            .collect()
    })
}

fn configurations() -> impl Strategy<Value = WrittenTables> {
    let tables = WithBells::tables();
    let once: Vec<_> = tables.once().map(|table| (Just(table), texts(table))).collect();
    let repeated: Vec<_> = tables
        .repeated()
        .map(|table| (Just(table), vec(texts(table), 0..4)))
        .collect();
    let paths = |table: &'static Table| table.all_keys().map(|key| table.path(key.name));
    let paths: Vec<_> = tables.once().flat_map(paths).collect();
    let count = paths.len();
    (once, repeated, subsequence(paths, 0..count), any::<bool>()).prop_map(
        |(once, repeated, elsewhere, by_flag)| WrittenTables {
            once,
            repeated,
            elsewhere,
            by_flag,
        },
    )
}

fn read(given: Given, text: &str) -> Result<WithBells, TestCaseError> {
    let file = file(text);
    load(&Given {
        file: Some(file.path().to_owned()),
        data_home: Some("/home/\"u\"#".into()),
        ..given
    })
    .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_reads_back_to_the_same_configuration(written in configurations()) {
        let (text, given) = written.given(&WithBells::tables());
        let config = read(given, &text)?;
        let shown = show(&config.record);
        let again = read(Given::default(), &shown)?;
        prop_assert_eq!(shown_values(&config.record), shown_values(&again.record), "{}", &shown);
        prop_assert_eq!(&config.bells, &again.bells, "{}", &shown);
        prop_assert_eq!(&config.storage.url, &again.storage.url, "{}", &shown);
    }
}

#[test]
fn what_is_written_elsewhere_has_that_origin() {
    let bells = *WithBells::tables()
        .once()
        .find(|table| table.name == "bells")
        .as_ref()
        .expect("bells");
    let origin = |by_flag| {
        let verger = BTreeMap::from([("verger".to_owned(), "v".to_owned())]);
        let written = WrittenTables {
            once: vec![(bells, verger)],
            repeated: Vec::new(),
            elsewhere: vec!["bells.verger".to_owned()],
            by_flag,
        };
        let (text, given) = written.given(&WithBells::tables());
        assert!(!text.contains("verger"), "{text}");
        let shown = show(&read(given, &text).expect("config").record);
        let line = shown
            .lines()
            .find(|line| line.starts_with("verger"))
            .map(str::to_owned);
        line.expect("shown")
    };
    assert_eq!(origin(true), "verger = \"v\"  # --bells.verger");
    assert_eq!(origin(false), "verger = \"v\"  # STOA_BELLS_VERGER");
}
