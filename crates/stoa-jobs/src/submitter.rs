//! Who asked for a job, and where the result is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// One of those who asked for a job. A job that several asked for runs once, and each of them is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Submitter {
    /// Its number among those of the job, from 0. With the job's id it makes the idempotency key of its callback.
    #[serde(default)]
    pub number: u32,
    /// When it asked.
    #[serde(default)]
    pub at: Timestamp,
    /// Where the result is to be told; the backend of callbacks reads it. None if nobody wants to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Value>,
    /// What it wants to be told again with the result, as it was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
    /// A hash of what it asked for, if it may ask again and has to be known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Arc<str>>,
    /// Fields that another version of this library wrote. They are kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Submitter {
    /// The longest [`extra`](Self::extra) that should be taken from somebody, in bytes: it is read with every list of jobs.
    pub const MAX_EXTRA: usize = 64 << 10;

    /// About how many bytes it has.
    pub(crate) fn bytes(&self) -> usize {
        let callback = self
            .callback
            .as_ref()
            .map_or(0, |callback| callback.to_string().len());
        self.extra.len() + callback + 64
    }
}
