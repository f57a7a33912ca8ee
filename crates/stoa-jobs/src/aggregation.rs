//! The limits that jobs of an aggregation share.

use std::{collections::BTreeMap, fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AggregationKey, Rate, Timestamp};

/// What an operator, or the first job of it, says of an aggregation.
///
/// ```
/// use stoa_jobs::AggregationSettings;
///
/// let settings: AggregationSettings = serde_json::from_str(r#"{"concurrency": 8, "rate": "20/s"}"#)?;
/// assert_eq!(settings.concurrency.get(), 8);
/// assert!(!settings.paused);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct AggregationSettings {
    /// How many of its jobs run at a time, on all nodes together.
    pub concurrency: NonZeroU32,
    /// How many of its jobs start in a time, on all nodes together; none means as many as there are slots for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Its part of what all aggregations share: one of weight 3 starts three jobs while one of weight 1 starts one.
    #[serde(default = "one")]
    pub weight: NonZeroU32,
    /// Whether none of its jobs may start. What runs goes on.
    #[serde(default)]
    pub paused: bool,
    /// The proxy that its downloads pass, as a URL. It may hold a password and is never shown whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Header fields that its downloads carry to the host that it is named after, unless a job has a field of the same name.
    /// They are never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Fields that another version of this library wrote. They are kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl AggregationSettings {
    /// The limit of an aggregation of which nobody said anything (the default of skroutz/downloader).
    pub const CONCURRENCY: NonZeroU32 = NonZeroU32::new(4).expect("four is not zero");
}

impl Default for AggregationSettings {
    fn default() -> Self {
        Self {
            concurrency: Self::CONCURRENCY,
            rate: None,
            weight: one(),
            paused: false,
            proxy: None,
            headers: BTreeMap::new(),
            unknown: Map::new(),
        }
    }
}

/// Proxy and headers may hold secrets, so only their presence and their names are shown.
impl fmt::Debug for AggregationSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AggregationSettings")
            .field("concurrency", &self.concurrency)
            .field("rate", &self.rate)
            .field("weight", &self.weight)
            .field("paused", &self.paused)
            .field("proxy", &self.proxy.as_ref().map(|_| "set"))
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// An aggregation as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// Which one.
    pub key: AggregationKey,
    /// Its limits.
    pub settings: AggregationSettings,
    /// Whether an operator set them. Such an aggregation stays when it has no jobs, and no job changes its limits.
    pub pinned: bool,
    /// Jobs that could start now, but for its limits.
    pub ready: u64,
    /// Jobs that run, on all nodes.
    pub running: u64,
    /// Jobs that wait for a moment: a retry, a snooze.
    pub scheduled: u64,
    /// Since when the job that has been ready for the longest time is so.
    pub oldest_ready: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_another_version_are_kept() {
        let text = r#"{"concurrency":2,"weight":1,"paused":false,"colour":"blue"}"#;
        let settings: AggregationSettings = serde_json::from_str(text).expect("settings");
        assert_eq!(serde_json::to_string(&settings).expect("text"), text);
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = AggregationSettings {
            proxy: Some("http://user:hunter2@proxy".into()),
            headers: [("Authorization".into(), "Bearer hunter2".into())].into(),
            ..AggregationSettings::default()
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("Authorization"), "{shown}");
    }
}
