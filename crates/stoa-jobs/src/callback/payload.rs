//! What a callback job is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::topic::KafkaTopic;
use crate::{Job, Submitter, download::DownloadUrl};

/// Where a submitter wants to be told: its [`callback`](Submitter::callback), as `{"type":"http","dst":"URL"}` or
/// `{"type":"kafka","dst":"TOPIC"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "dst", rename_all = "lowercase")]
pub enum CallbackTarget {
    /// The URL that is posted to.
    Http(DownloadUrl),
    /// The topic that is written to.
    Kafka(KafkaTopic),
}

impl CallbackTarget {
    /// The type of callbacks over HTTP.
    pub const HTTP: &'static str = "http";
    /// The type of callbacks over Kafka.
    pub const KAFKA: &'static str = "kafka";
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

/// What a job of kind `callback-kafka` is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaPayload {
    /// Where it is written.
    pub topic: KafkaTopic,
    /// What is written: the same JSON as over HTTP.
    pub body: String,
    /// The idempotency key, as of a [`CallbackPayload`].
    pub key: String,
}

impl KafkaPayload {
    /// The kind of the jobs. It is another one than that of callbacks over HTTP, so that a node that has no Kafka leaves them
    /// to those that have.
    pub const KIND: &'static str = "callback-kafka";
}

/// The body is not shown: it has the whole URL of the download.
impl fmt::Debug for KafkaPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaPayload")
            .field("topic", &self.topic)
            .field("key", &self.key)
            .finish_non_exhaustive()
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
