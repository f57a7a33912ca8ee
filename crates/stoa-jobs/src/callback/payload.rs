//! What a callback job is told.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Job, Submitter, download::DownloadUrl};

/// Where a submitter wants to be told over HTTP: its [`callback`](Submitter::callback).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallbackTarget {
    /// `http`. Other types belong to other backends.
    #[serde(rename = "type")]
    pub kind: String,
    /// The URL that is posted to.
    pub dst: DownloadUrl,
    /// Fields that another version of this library wrote. They are kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl CallbackTarget {
    /// The type of callbacks over HTTP.
    pub const HTTP: &'static str = "http";

    /// A callback to this URL.
    pub fn http(dst: DownloadUrl) -> Self {
        Self {
            kind: Self::HTTP.to_owned(),
            dst,
            unknown: Map::new(),
        }
    }
}

/// What a job of kind `callback` is told. The body was made when the job ended, so every attempt sends the same bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackPayload {
    /// Where it is posted.
    pub url: DownloadUrl,
    /// What is posted: JSON.
    pub body: String,
    /// The `Idempotency-Key`: the same for every attempt, and another one for every end of a job and every submitter.
    pub key: String,
}

impl CallbackPayload {
    /// The kind of the jobs.
    pub const KIND: &'static str = "callback";

    /// The idempotency key of what `submitter` is told of the end of `job`.
    pub fn key(job: &Job, submitter: &Submitter) -> String {
        format!("{}-{}-{}", job.id, job.round, submitter.number)
    }
}

/// The body is not shown: it has the whole URL of the download.
impl fmt::Debug for CallbackPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackPayload")
            .field("url", &self.url)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
