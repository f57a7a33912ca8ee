//! What Go's own code printed, for tests that hold ours to it.
//!
//! It is read from `STOA_VECTORS`, else from `../shared/vectors` beside the workspace. Where that folder is absent a test
//! says so and passes: it is no part of the project, and CI has it always.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The vectors of one family, as text; `None`, said on standard output, if there is no folder of vectors.
pub fn read(family: &str) -> Option<String> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let dir = crate::go::environment("STOA_VECTORS").map_or(beside, PathBuf::from);
    if !dir.is_dir() {
        println!("skipped: no vectors at {}", dir.display());
        return None;
    }
    let path = dir.join(family).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(text)
}

/// The vectors of one family; `None`, said on standard output, if there is no folder of vectors.
pub fn load(family: &str) -> Option<Value> {
    let text = read(family)?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{family}: {error}")))
}

/// The list under `key`, which Go's encoder writes as `null` if it is empty.
pub fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    let list = value
        .get(key)
        .unwrap_or_else(|| panic!("no list {key:?}: {value}"));
    if list.is_null() {
        return &[];
    }
    list.as_array()
        .unwrap_or_else(|| panic!("{key:?} is no list: {value}"))
}

/// The cases under `key`, of which there must be at least `min`.
pub fn cases<'v>(vectors: &'v Value, key: &str, min: usize) -> &'v [Value] {
    let cases = vectors[key]
        .as_array()
        .unwrap_or_else(|| panic!("no list {key:?}"));
    let count = cases.len();
    assert!(count >= min, "{count} cases of {key:?}, expected {min}");
    cases
}

/// Panics if an object has a field that a test does not know, for it would go unchecked.
pub fn assert_fields(value: &Value, known: &[&str]) {
    let fields = value
        .as_object()
        .unwrap_or_else(|| panic!("not an object: {value}"));
    for field in fields.keys() {
        let known = known.contains(&field.as_str());
        assert!(known, "unknown field {field:?} in {value}");
    }
}

/// The text under `key`.
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key:?} in {value}"))
}

/// The flag under `key`.
pub fn flag(value: &Value, key: &str) -> bool {
    value[key]
        .as_bool()
        .unwrap_or_else(|| panic!("no flag {key:?} in {value}"))
}

/// The number under `key`, which is not negative.
pub fn number(value: &Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {key:?} in {value}"))
}
