//! Makes the jobs that tell of the ends of others.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use serde_json::json;

use super::{
    message::CallbackMessage,
    payload::{CallbackPayload, CallbackTarget, KafkaPayload},
};
use crate::{AggregationKey, AggregationSettings, Callbacks, Job, NewJob, Priority, Submitter};

/// How hard it is tried to deliver a callback.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackRules {
    /// How many attempts may fail. With the default backoff fifty of them take three hours or more.
    pub max_attempts: NonZeroU32,
    /// For how long a callback is worth delivering.
    pub max_age: Option<Duration>,
    /// The priority among the callbacks to one host or topic.
    pub priority: Priority,
    /// The limits of the callbacks to a host or topic to which there are none yet.
    pub settings: Option<AggregationSettings>,
}

impl Default for CallbackRules {
    fn default() -> Self {
        const ATTEMPTS: NonZeroU32 = NonZeroU32::new(50).expect("fifty is not zero");
        Self {
            max_attempts: ATTEMPTS,
            max_age: None,
            priority: Priority::default(),
            settings: None,
        }
    }
}

/// Makes one job for each submitter that wants to be told: of kind `callback` over HTTP, in the aggregation of the host that
/// is told, and of kind `callback-kafka` over Kafka, in that of the topic. It makes none for submitters of other types, and
/// none for the ends of callbacks.
#[derive(Clone, Debug)]
pub struct CallbackJobs {
    download_base: Arc<str>,
    rules: CallbackRules,
}

impl CallbackJobs {
    /// Callbacks that say of files that they are below this URL.
    pub fn new(download_base: &str, rules: CallbackRules) -> Self {
        Self {
            download_base: download_base.into(),
            rules,
        }
    }

    fn callback(&self, job: &Job, submitter: &Submitter) -> Option<NewJob> {
        let told = submitter.callback.as_ref()?;
        let kind = match told.get("type")?.as_str()? {
            CallbackTarget::HTTP => CallbackPayload::KIND,
            CallbackTarget::KAFKA => KafkaPayload::KIND,
            _ => return None,
        };
        let key = CallbackPayload::key(job, submitter);
        let body = || {
            let message = CallbackMessage::new(job, submitter, &self.download_base);
            serde_json::to_string(&message).unwrap_or_default()
        };
        let target: Result<CallbackTarget, _> = serde_json::from_value(told.clone());
        // The title has the job's id, so that its callbacks are found.
        let (group, title, payload) = match target {
            Ok(CallbackTarget::Http(url)) => {
                let (host, title) = (url.host(), format!("{url} for {}", job.id));
                let payload = CallbackPayload {
                    url,
                    body: body(),
                    key,
                };
                (host, title, serde_json::to_value(payload))
            }
            Ok(CallbackTarget::Kafka(topic)) => {
                let (name, title) = (topic.to_string(), format!("kafka:{topic} for {}", job.id));
                let payload = KafkaPayload {
                    topic,
                    body: body(),
                    key,
                };
                (name, title, serde_json::to_value(payload))
            }
            // Such a callback fails at its first attempt, and is found among the dead ones.
            Err(_) => ("unreadable".to_owned(), key.clone(), Ok(json!({"key": key}))),
        };
        let aggregation = AggregationKey::new(kind.parse().ok()?, &group).ok()?;
        let mut callback = NewJob::new(aggregation, payload.unwrap_or_default());
        callback.title = title;
        callback.aggregation_settings.clone_from(&self.rules.settings);
        callback.max_attempts = self.rules.max_attempts;
        callback.max_age = self.rules.max_age;
        callback.priority = self.rules.priority;
        Some(callback)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Callbacks for CallbackJobs {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        if [CallbackPayload::KIND, KafkaPayload::KIND].contains(&job.aggregation.kind().as_str()) {
            return Vec::new();
        }
        let submitters = job.submitters.iter();
        submitters
            .filter_map(|submitter| self.callback(job, submitter))
            .collect()
    }
}

#[cfg(test)]
mod tests;
