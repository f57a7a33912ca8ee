//! What a job of kind `mirror` is told.

use std::{fmt::Write as _, num::NonZeroUsize, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use stoa_jobs::{AggregationKey, Fingerprint, NewJob};
use stoa_module::{ModulePath, PatternList};

/// The kind of jobs that bring in what their sources have of some modules.
pub const MIRROR: &str = "mirror";

/// How many modules and patterns one mirror names.
const MAX_MODULES: usize = 10_000;

/// Which versions of a module a mirror holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorVersions {
    /// All that its source lists.
    All,
    /// The one that the go command takes for `latest`.
    #[default]
    Latest,
    /// All that are no pre-releases.
    Releases,
}

/// Modules to hold, as they stand in the payload of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorSpec {
    /// What people call it. It stands in the title, and nothing is found by it.
    pub name: String,
    /// Module paths; and patterns, which select from what is stored.
    pub modules: Vec<String>,
    /// Which versions of them.
    pub versions: MirrorVersions,
    /// Of a list, only so many of the highest versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
    /// How long after its end it begins again, in milliseconds; none for a job that is done once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
}

impl MirrorSpec {
    /// Says what is wrong with the modules that it names.
    ///
    /// # Errors
    /// The first one that is neither a path nor a pattern, or that there is none, or too many.
    pub fn check(&self) -> Result<(), String> {
        if self.modules.is_empty() {
            return Err("must name a module".to_owned());
        }
        if self.modules.len() > MAX_MODULES {
            return Err(format!("it names more than {MAX_MODULES} modules"));
        }
        self.modules
            .iter()
            .try_for_each(|module| MirrorEntry::parse(module).map(drop))
    }

    /// The job. Of two that are the same word for word there is one at a time.
    #[expect(clippy::missing_panics_doc, reason = "the kind is a word")]
    pub fn job(&self) -> NewJob {
        let kind = MIRROR.parse().expect("the kind is a word");
        let aggregation = AggregationKey::new(kind, "modules").expect("a name");
        let payload = json!(self);
        let mut hash = String::new();
        for byte in Sha256::digest(payload.to_string()) {
            let _infallible = write!(hash, "{byte:02x}");
        }
        NewJob {
            title: format!("mirror {}", self.name),
            fingerprint: Fingerprint::new(&format!("mirror {hash}")),
            ..NewJob::new(aggregation, payload)
        }
    }

    /// The job that begins when the time between two has passed; none for one that is done once.
    pub fn next_job(&self) -> Option<NewJob> {
        let delay = Duration::from_millis(self.every_ms?);
        Some(NewJob { delay, ..self.job() })
    }
}

/// One line of a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MirrorEntry {
    /// This module, stored or not.
    Module(ModulePath),
    /// Modules that are stored.
    Stored(PatternList),
}

impl MirrorEntry {
    /// A text with a wildcard is a pattern; every other one is a path.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains(['*', '?', '[', '\\']) {
            let patterns: PatternList = text.parse().map_err(|error| format!("{error}"))?;
            return Ok(Self::Stored(patterns));
        }
        ModulePath::parse(text)
            .map(Self::Module)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(modules: &[&str]) -> MirrorSpec {
        MirrorSpec {
            name: "tools".to_owned(),
            modules: modules.iter().map(|module| (*module).to_owned()).collect(),
            versions: MirrorVersions::All,
            limit: None,
            every_ms: Some(60_000),
        }
    }

    #[test]
    fn what_is_no_module_is_told() {
        assert_eq!(
            spec(&["corp.example/a", "corp.example/*", "a.example/[xy]"]).check(),
            Ok(())
        );
        for (modules, want) in [
            (&[][..], "must name a module"),
            (&["a.example/x", "../b"][..], "malformed module path"),
            (&["https://a.example/*"][..], "it is a URL"),
        ] {
            let error = spec(modules).check().expect_err(want);
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn what_is_told_otherwise_is_other_work() {
        let first = spec(&["a.example/x"]);
        let next = first.next_job().expect("it is repeated");
        assert_eq!(
            (next.delay, next.title.as_str()),
            (Duration::from_secs(60), "mirror tools")
        );
        assert_eq!(first.job().fingerprint, next.fingerprint);
        assert_ne!(spec(&["a.example/y"]).job().fingerprint, next.fingerprint);
        let once = MirrorSpec {
            every_ms: None,
            ..first
        };
        assert!(once.next_job().is_none());
        assert_eq!(
            serde_json::from_value::<MirrorSpec>(once.job().payload).expect("a spec"),
            once
        );
    }
}
