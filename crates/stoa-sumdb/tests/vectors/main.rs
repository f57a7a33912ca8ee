//! Holds the crate to vectors printed by Go's own code.

mod note;
mod server;
mod tiles;
mod tlog;
mod transcript;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stoa_sumdb::{Hash, TreeSize};
use stoa_testing::vectors::{all, assert_fields, cases, flag, number, text};

fn size(case: &Value, field: &str) -> TreeSize {
    TreeSize::new(number(case, field)).expect("a size")
}

fn bytes(case: &Value, field: &str) -> Vec<u8> {
    STANDARD.decode(text(case, field)).expect("base64")
}

/// A list of texts; `None` if there is no such field.
fn texts<'v>(case: &'v Value, field: &str) -> Option<Vec<&'v str>> {
    let list = case.get(field)?.as_array()?;
    Some(list.iter().map(|text| text.as_str().expect("a text")).collect())
}

fn hashes(list: &Value) -> Vec<Hash> {
    let list = list.as_array().expect("a list of hashes");
    list.iter()
        .map(|hash| hash.as_str().expect("a text").parse().expect("a hash"))
        .collect()
}
