//! The end of a downloaded file.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::directory_sink::DirectorySink;
use crate::{
    AggregationKey, Callbacks, Failure, Fingerprint, Handler, Job, JobId, Kind, NewJob, Outcome, Run,
    StateName,
    callback::{CallbackPayload, KafkaPayload},
};

/// What a job of kind `purge` is told: whose file is to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgePayload {
    /// The job that downloaded the file.
    pub job: JobId,
}

impl PurgePayload {
    /// The kind of the jobs.
    pub const KIND: &'static str = "purge";
}

/// Has a file removed some time after a callback has told of it, and keeps files that nobody was told of.
///
/// It stands before the [`Callbacks`] that make the callbacks, whose jobs it recognises when they end.
#[derive(Clone, Debug)]
pub struct PurgeAfter {
    callbacks: Arc<dyn Callbacks>,
    time: Duration,
}

impl PurgeAfter {
    /// Removes files when `time` has passed since one of the callbacks that `callbacks` made was delivered.
    pub fn new(callbacks: Arc<dyn Callbacks>, time: Duration) -> Self {
        Self { callbacks, time }
    }

    fn purge(&self, job: &Job) -> Option<NewJob> {
        let is_callback =
            [CallbackPayload::KIND, KafkaPayload::KIND].contains(&job.aggregation.kind().as_str());
        if !is_callback || job.state.name() != StateName::Ok {
            return None;
        }
        // A failure has no file, and its job may still get one when somebody starts it anew.
        let told: Value = serde_json::from_str(job.payload["body"].as_str()?).ok()?;
        if told["success"] != true {
            return None;
        }
        // The key of a callback begins with the job that it tells of.
        let id: JobId = job.payload["key"].as_str()?.get(..JobId::LENGTH)?.parse().ok()?;
        let kind: Kind = PurgePayload::KIND.parse().ok()?;
        let aggregation = AggregationKey::new(kind, "downloads").ok()?;
        let mut purge = NewJob::new(aggregation, serde_json::json!({ "job": id }));
        purge.title = format!("remove the file of {id}");
        purge.delay = self.time;
        // One is enough for all who are told of a job.
        purge.fingerprint = Fingerprint::new(&format!("purge {id}"));
        Some(purge)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Callbacks for PurgeAfter {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        let mut jobs = self.callbacks.of(job);
        jobs.extend(self.purge(job));
        jobs
    }
}

/// Removes the files of downloads from a folder.
#[derive(Clone, Debug)]
pub struct Purge {
    sink: DirectorySink,
}

impl Purge {
    /// Removes files from the folder of `sink`.
    pub fn new(sink: DirectorySink) -> Self {
        Self { sink }
    }
}

#[async_trait]
impl Handler for Purge {
    async fn run(&self, run: &Run) -> Outcome {
        let payload: PurgePayload = match serde_json::from_value(run.job().payload.clone()) {
            Ok(payload) => payload,
            Err(error) => return Outcome::Dead(Failure::new("payload", &error.to_string())),
        };
        let path = self.sink.path(&payload.job);
        match tokio::fs::remove_file(&path).await {
            Ok(()) => Outcome::Ok(serde_json::json!({ "removed": true })),
            // Another run of this job, or somebody by hand, was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Outcome::Ok(serde_json::json!({ "removed": false }))
            }
            Err(error) => Outcome::Retry {
                failure: Failure::new(
                    "store",
                    &format!("the file of {} cannot be removed: {error}", payload.job),
                ),
                after: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoCallbacks, Rules, State, Timestamp};

    fn callback(state: State) -> Job {
        let key = "url/h".parse().expect("a key");
        let id: JobId = "abcdefghijklmn".parse().expect("an id");
        let mut job = Rules::default().accept(
            NewJob::new(key, serde_json::Value::Null),
            id,
            Timestamp::from_millis(1),
        );
        job.aggregation = "callback/h".parse().expect("a key");
        job.payload = serde_json::json!({"url": "http://h/", "body": r#"{"success":true}"#, "key": "0123456789abcd-0-0"});
        job.state = state;
        job
    }

    #[test]
    fn a_delivered_callback_has_the_file_removed_and_one_that_was_not_keeps_it() {
        let at = Timestamp::from_millis(2);
        let purge = PurgeAfter::new(Arc::new(NoCallbacks), Duration::from_secs(60));
        let delivered = callback(State::Ok { at });
        let jobs = purge.of(&delivered);
        assert_eq!(jobs.len(), 1);
        assert_eq!(
            (jobs[0].aggregation.to_string().as_str(), jobs[0].delay),
            ("purge/downloads", Duration::from_secs(60))
        );
        assert_eq!(jobs[0].payload, serde_json::json!({"job": "0123456789abcd"}));
        let dead = callback(State::Dead {
            at,
            failure: Failure::new("status", "500"),
        });
        assert_eq!(purge.of(&dead).len(), 0);
        let mut failed = delivered.clone();
        failed.payload["body"] = serde_json::json!(r#"{"success":false}"#);
        assert_eq!(purge.of(&failed).len(), 0, "there is no file");
        let mut other = delivered;
        other.aggregation = "url/h".parse().expect("a key");
        assert_eq!(purge.of(&other).len(), 0);
    }
}
