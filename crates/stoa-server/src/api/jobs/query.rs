//! Which jobs are listed.

use std::collections::BTreeSet;

use serde::Deserialize;
use stoa_jobs::{Cursor, JobQuery, StateName};

/// How many jobs a page has, unless somebody says otherwise, and at most.
pub(in super::super) const PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// The query string of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// States, with commas between them.
    pub(super) state: String,
    pub(super) kind: Option<String>,
    #[serde(alias = "aggr")]
    pub(super) aggregation: Option<String>,
    pub(super) parent: Option<String>,
    /// Part of a title.
    #[serde(alias = "text")]
    pub(super) q: String,
    /// Where the page before this one ended.
    #[serde(alias = "cursor")]
    pub(super) before: Option<u64>,
    pub(super) limit: Option<usize>,
}

/// How many jobs a page has of which somebody wants so many.
pub(in super::super) fn page_size(wanted: usize) -> usize {
    wanted.clamp(1, LARGEST_PAGE)
}

/// The states of a list with commas between them.
///
/// # Errors
/// A state that there is not.
pub(in super::super) fn states_of(text: &str) -> Result<BTreeSet<StateName>, String> {
    let names = text.split(',').filter(|name| !name.is_empty());
    let of_name = |name: &str| {
        let state = StateName::ALL.into_iter().find(|state| state.as_str() == name);
        let known = || StateName::ALL.map(StateName::as_str).join(", ");
        state.ok_or_else(|| format!("state: there is no {name:?}, only {}", known()))
    };
    let states: BTreeSet<_> = names.map(of_name).collect::<Result<_, _>>()?;
    if states.is_empty() && !text.is_empty() {
        return Err(format!("state: {text:?} names none"));
    }
    Ok(states)
}

impl ListQuery {
    /// What is looked for.
    ///
    /// # Errors
    /// What is wrong, by name.
    pub(super) fn read(self) -> Result<JobQuery, String> {
        let mut query = JobQuery::latest(page_size(self.limit.unwrap_or(PAGE)));
        query.states = states_of(&self.state)?;
        query.kind = self
            .kind
            .map(|kind| kind.parse())
            .transpose()
            .map_err(|error| format!("kind: {error}"))?;
        let aggregation = self.aggregation.map(|key| key.parse()).transpose();
        query.aggregation = aggregation.map_err(|error| format!("aggregation: {error}"))?;
        query.parent = self
            .parent
            .map(|id| id.parse())
            .transpose()
            .map_err(|error| format!("parent: {error}"))?;
        query.text = self.q;
        query.before = self.before.map(Cursor);
        Ok(query)
    }
}
