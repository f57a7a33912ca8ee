//! What Go's own code printed, for tests that hold ours to it.
//!
//! There are up to two witnesses. The first one travels with the project: `scripts/tools.sh` builds `oracle/` into the go
//! distribution and keeps what it prints beside it. The second one is a folder of answers that were printed once and never
//! change, `STOA_VECTORS`, else `../shared/vectors` beside the workspace; it is no part of the project and is asked where
//! it is. Both have the same files with the same fields.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::go;

/// The vectors of one family as text, of each witness.
///
/// It says on standard output whose they are, so that a failed test tells which witness it failed for. Panics if there are
/// none that travel with the project.
pub fn texts(family: &str) -> impl Iterator<Item = String> {
    let travelling = go::tools().join(format!("vectors-{}", go::version()));
    assert!(
        travelling.is_dir(),
        "no answers of Go at {}: run `make tools`",
        travelling.display()
    );
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let frozen = go::environment("STOA_VECTORS").map_or(beside, PathBuf::from);
    let witnesses = [Some(travelling), frozen.is_dir().then_some(frozen)];
    let file = format!("{family}.json");
    witnesses.into_iter().flatten().map(move |folder| {
        let path = folder.join(&file);
        println!("answers of {}", path.display());
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; run `make tools`", path.display()))
    })
}

/// The vectors of one family, of each witness.
pub fn all(family: &str) -> impl Iterator<Item = Value> {
    texts(family).map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON: {error}")))
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

/// Panics if fewer of some kind were asked than a witness has, as if a part of the file were skipped.
pub fn assert_at_least<const N: usize>(asked: [usize; N], least: [usize; N], what: &str) {
    let enough = asked.iter().zip(least).all(|(asked, least)| *asked >= least);
    assert!(enough, "asked {asked:?}, expected at least {least:?}: {what}");
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
