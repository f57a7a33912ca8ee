//! What cmd/go answered.

use std::{fs, path::PathBuf};

use serde_json::Value;

/// The vectors of one family; `None`, said on standard output, if there is no folder of vectors.
#[expect(
    clippy::print_stdout,
    reason = "a skipped test must not look like one that ran"
)]
pub(crate) fn load(family: &str) -> Option<Value> {
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

/// The list under `key`, which Go's encoder writes as `null` if it is empty.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    let list = value
        .get(key)
        .unwrap_or_else(|| panic!("no list {key:?}: {value}"));
    if list.is_null() {
        return &[];
    }
    list.as_array()
        .unwrap_or_else(|| panic!("{key:?} is no list: {value}"))
}

/// The text under `key`.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key:?}: {value}"))
}

/// Fails if an object has a field that a test does not know.
pub(crate) fn known_fields(value: &Value, known: &[&str]) {
    for field in value.as_object().unwrap().keys() {
        assert!(
            known.contains(&field.as_str()),
            "unknown field {field:?}: {value}"
        );
    }
}
