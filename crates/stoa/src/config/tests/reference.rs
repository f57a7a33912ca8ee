//! `docs/reference/configuration.md` says what the declarations say.

use stoa_config::{Configuration as _, conformance::reference};

use crate::config::{Config, Given, lab, load};

const PAGE: &str = include_str!("../../../../../docs/reference/configuration.md");

#[test]
fn the_reference_has_a_row_for_every_key_and_names_none_that_does_not_exist() {
    let changes = reference(&Config::tables(), PAGE).join("\n");
    assert!(
        changes.is_empty(),
        "in docs/reference/configuration.md\n{changes}"
    );
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
