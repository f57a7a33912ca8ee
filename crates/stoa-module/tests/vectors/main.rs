//! Holds the crate to vectors printed by Go's own code.
//!
//! They are read from `STOA_VECTORS`, else from `../shared/vectors` beside the workspace. Where that folder is
//! absent each test says so and passes.

mod modfile;
mod names;
mod patterns;
mod pseudo;
mod semver;
mod versions;
mod zip;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

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

/// The text of an error, empty if there is none, as the vectors have it.
fn error_text<T, E: ToString>(result: &Result<T, E>) -> String {
    result.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// Checks a result against a field with `err` and `value`, of which one is empty.
fn assert_outcome<T: AsRef<str>, E: ToString>(outcome: &Result<T, E>, want: &Value) {
    assert_fields(want, &["err", "value"]);
    assert_eq!(error_text(outcome), text(want, "err"));
    assert_eq!(
        outcome.as_ref().map_or("", T::as_ref),
        want["value"].as_str().unwrap_or("")
    );
}
