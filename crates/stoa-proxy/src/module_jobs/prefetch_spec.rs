//! What a job of kind `prefetch` is told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_jobs::{AggregationKey, NewJob};
use stoa_module::{Query, Wanted};

use super::ModuleSpec;

/// The kind of jobs that bring in everything that a file asks for.
pub const PREFETCH: &str = "prefetch";

/// Modules to bring in, as they stand in the payload of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefetchSpec {
    /// What asks for them, for people: the name of a file.
    pub name: String,
    /// Each version once.
    pub modules: Vec<ModuleSpec>,
}

impl PrefetchSpec {
    /// Everything that the file called `name` asks for.
    pub fn new(name: &str, wanted: &Wanted) -> Self {
        let versions = wanted.versions.iter();
        let versions = versions.map(|(module, files)| {
            ModuleSpec::new(module.path(), &Query::Version(module.version().clone()), *files)
        });
        let queries = wanted.queries.iter();
        let queries =
            queries.map(|((path, _), query)| ModuleSpec::new(path, query, stoa_module::WantedFiles::All));
        Self {
            name: name.to_owned(),
            modules: versions.chain(queries).collect(),
        }
    }

    /// How many children a job of this payload will have made in the end.
    pub fn children(payload: &Value) -> Option<usize> {
        Some(payload.get("modules")?.as_array()?.len())
    }

    /// The job that brings them in.
    #[expect(clippy::missing_panics_doc, reason = "the kind is a word")]
    pub fn job(&self) -> NewJob {
        let kind = PREFETCH.parse().expect("the kind is a word");
        let aggregation = AggregationKey::new(kind, "modules").expect("a name");
        let (count, s) = (self.modules.len(), if self.modules.len() == 1 { "" } else { "s" });
        let title = format!("{} ({count} module{s})", self.name);
        NewJob {
            title,
            ..NewJob::new(aggregation, json!(self))
        }
    }
}
