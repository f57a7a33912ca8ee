//! Which jobs are listed.

use serde::Deserialize;
use stoa_jobs::{Cursor, JobQuery, StateName};

/// How many jobs a page has, unless somebody says otherwise, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// The query string of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// States, with commas between them.
    state: String,
    kind: Option<String>,
    aggregation: Option<String>,
    parent: Option<String>,
    /// Part of a title.
    q: String,
    /// Where the page before this one ended.
    before: Option<u64>,
    limit: Option<usize>,
}

impl ListQuery {
    /// What is looked for.
    ///
    /// # Errors
    /// What is wrong, by name.
    pub(super) fn read(self) -> Result<JobQuery, String> {
        let mut query = JobQuery::latest(self.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE));
        for name in self.state.split(',').filter(|name| !name.is_empty()) {
            let state = StateName::ALL.into_iter().find(|state| state.as_str() == name);
            let known = || StateName::ALL.map(StateName::as_str).join(", ");
            query
                .states
                .insert(state.ok_or_else(|| format!("state: there is no {name:?}, only {}", known()))?);
        }
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
