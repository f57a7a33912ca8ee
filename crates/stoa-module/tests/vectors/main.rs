//! Holds the crate to vectors printed by Go's own code.

mod modfile;
mod names;
mod patterns;
mod pseudo;
mod semver;
mod versions;
mod zip;

use serde_json::Value;
use stoa_testing::vectors::{all, assert_fields, cases, flag, text};

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
