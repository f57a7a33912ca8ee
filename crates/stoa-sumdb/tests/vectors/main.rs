//! Holds the crate to vectors printed by Go's own code.
//!
//! They are read from `STOA_VECTORS`, else from `../shared/vectors` beside the workspace. Where that folder is
//! absent each test says so and passes.

mod note;
mod server;
mod tiles;
mod tlog;
mod transcript;

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stoa_sumdb::{Hash, TreeSize};

/// The vectors of one family; `None`, said on standard output, if there is no folder of vectors.
#[expect(
    clippy::print_stdout,
    reason = "a skipped test must not look like one that ran"
)]
fn load(family: &str) -> Option<Value> {
    let dir = std::env::var_os("STOA_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    if !dir.is_dir() {
        println!("skipped: no vectors at {}", dir.display());
        return None;
    }
    let path = dir.join(family).with_extension("json");
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The cases under `key`, of which there must be at least `min`.
fn cases<'v>(vectors: &'v Value, key: &str, min: usize) -> &'v [Value] {
    let cases = vectors[key]
        .as_array()
        .unwrap_or_else(|| panic!("no list {key:?}"));
    assert!(
        cases.len() >= min,
        "{} cases of {key:?}, expected {min}",
        cases.len()
    );
    cases
}

/// Panics if a case has a field the test does not know, for it would go unchecked.
fn assert_fields(case: &Value, known: &[&str]) {
    for field in case
        .as_object()
        .unwrap_or_else(|| panic!("not an object: {case}"))
        .keys()
    {
        assert!(
            known.contains(&field.as_str()),
            "unknown field {field:?} in {case}"
        );
    }
}

fn text<'v>(case: &'v Value, field: &str) -> &'v str {
    case[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {case}"))
}

fn flag(case: &Value, field: &str) -> bool {
    case[field]
        .as_bool()
        .unwrap_or_else(|| panic!("no flag {field:?} in {case}"))
}

fn number(case: &Value, field: &str) -> u64 {
    case[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {field:?} in {case}"))
}

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
