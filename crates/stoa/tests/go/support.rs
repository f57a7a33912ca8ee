//! What the tests share.

use std::collections::BTreeMap;

use stoa_testing::scene::Scene;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

pub(crate) fn scene() -> Scene {
    Scene::new(STOA)
}

/// Fails with the files that differ, rather than with two long listings.
pub(crate) fn assert_same_files(what: &str, want: &BTreeMap<String, String>, got: &BTreeMap<String, String>) {
    assert!(want.len() > 10, "{what}: there is nothing to compare");
    let missing: Vec<_> = want.keys().filter(|name| !got.contains_key(*name)).collect();
    let extra: Vec<_> = got.keys().filter(|name| !want.contains_key(*name)).collect();
    let differ: Vec<_> = want
        .iter()
        .filter(|(name, sum)| got.get(*name).is_some_and(|other| other != *sum))
        .map(|(name, _)| name)
        .collect();
    assert!(
        missing.is_empty() && extra.is_empty() && differ.is_empty(),
        "{what}: missing {missing:#?}, not wanted {extra:#?}, different {differ:#?}"
    );
}
