//! What a job of kind `module` is told.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_jobs::{AggregationKey, AggregationSettings, Fingerprint, Kind, NewJob};
use stoa_module::{ModulePath, Query, WantedFiles};

use crate::ModuleQuery;

/// The kind of jobs that bring one module version into storage.
pub const MODULE: &str = "module";

/// How many versions of modules that begin with one host are brought in at a time, unless somebody says otherwise.
const CONCURRENCY: u32 = 8;

/// A module version to bring in, as it stands in the payload of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSpec {
    /// The module path, in plain form.
    pub module: String,
    /// A version, or a query that its source answers.
    pub version: String,
    /// Whether only the go.mod is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub go_mod_only: bool,
    /// Whether somebody asked for it and was told to come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
}

impl ModuleSpec {
    /// The version of `path` that `query` means, and these of its files.
    pub fn new(path: &ModulePath, query: &Query, files: WantedFiles) -> Self {
        Self {
            module: path.to_string(),
            version: query.as_str().to_owned(),
            go_mod_only: files == WantedFiles::GoMod,
            missed: false,
        }
    }

    /// The job that brings it in. Of two that ask for the same at a time there is one; modules that begin with the same host
    /// are an aggregation.
    #[expect(clippy::missing_panics_doc, reason = "the kind is a word")]
    pub fn job(&self) -> NewJob {
        let kind: Kind = MODULE.parse().expect("the kind is a word");
        let host = self.module.split('/').next().unwrap_or_default();
        let named = AggregationKey::new(kind.clone(), host);
        let aggregation = named.unwrap_or_else(|_odd| AggregationKey::new(kind, "other").expect("a name"));
        let files = if self.go_mod_only { "/go.mod" } else { "" };
        let title = format!("{}@{}{files}", self.module, self.version);
        let concurrency = CONCURRENCY.try_into().expect("some may run");
        let settings = AggregationSettings {
            concurrency,
            ..AggregationSettings::default()
        };
        NewJob {
            // A title that is too long for one leaves the job alone.
            fingerprint: Fingerprint::new(&format!("module {title}")),
            title,
            aggregation_settings: Some(settings),
            ..NewJob::new(aggregation, json!(self))
        }
    }

    /// The query, and whether only its go.mod is wanted.
    ///
    /// # Errors
    /// What is no module path, or no query.
    pub fn query(&self) -> Result<ModuleQuery, String> {
        let text = format!("{}@{}", self.module, self.version);
        text.parse::<ModuleQuery>().map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_version_is_the_same_work() {
        let path = ModulePath::parse("corp.example/Tool").expect("a path");
        let query = Query::parse(&path, "v1.0.0").expect("a query");
        let all = ModuleSpec::new(&path, &query, WantedFiles::All).job();
        let go_mod = ModuleSpec::new(&path, &query, WantedFiles::GoMod).job();
        assert_eq!(all.aggregation.to_string(), "module/corp.example");
        assert_eq!(
            (all.title.as_str(), go_mod.title.as_str()),
            ("corp.example/Tool@v1.0.0", "corp.example/Tool@v1.0.0/go.mod")
        );
        assert_eq!(all, ModuleSpec::new(&path, &query, WantedFiles::All).job());
        assert_ne!(all.fingerprint, go_mod.fingerprint);
        let read: ModuleSpec = serde_json::from_value(all.payload).expect("a spec");
        assert_eq!(read.query().expect("a query").text(), "v1.0.0");
    }
}
