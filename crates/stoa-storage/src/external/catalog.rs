//! Finding what the remote has.

use std::collections::BTreeMap;

use serde::Deserialize;
use stoa_module::ModuleVersion;

use super::answer::nonsense;
use super::names;
use super::remote::Remote;
use crate::error::StorageError;

/// Entries that are asked for at a time.
const PAGE: usize = 1000;
/// Pages that a catalog may have: ten million versions.
const MAX_PAGES: usize = 10_000;

/// The answer to `/catalog`, as Athens writes it.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    modules: Option<Vec<Entry>>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    module: String,
    version: String,
}

/// The `limit` things of the catalog that are first after `after`, by the text that `name` gives them.
///
/// A catalog is in an order of its own, so each call goes through all of it and keeps what it may return: bounded in
/// memory, and not quick. It is for tools that list and measure, and on the path of no request for a module.
pub(super) async fn first<T>(
    remote: &Remote,
    after: Option<&str>,
    limit: usize,
    name: impl Fn(ModuleVersion) -> Vec<(String, T)>,
) -> Result<BTreeMap<String, T>, StorageError> {
    let (mut found, mut token) = (BTreeMap::new(), String::new());
    for _ in 0..MAX_PAGES {
        let text = remote.catalog(&token, PAGE).await?;
        let place = || remote.place("/catalog");
        let page: Page =
            serde_json::from_str(&text).map_err(|error| nonsense("list", &place(), error.to_string()))?;
        let targets = page.modules.unwrap_or_default();
        let targets = targets
            .iter()
            .filter_map(|entry| names::target(&entry.module, &entry.version));
        for (text, thing) in targets.flat_map(&name) {
            if after.is_none_or(|after| text.as_str() > after) {
                found.insert(text, thing);
                if found.len() > limit {
                    found.pop_last();
                }
            }
        }
        match page.next {
            Some(next) if next == token => {
                return Err(nonsense("list", &place(), "it goes on where it began"));
            }
            Some(next) if !next.is_empty() => token = next,
            _ => return Ok(found),
        }
    }
    Err(nonsense("list", &remote.place("/catalog"), "it has no end"))
}
