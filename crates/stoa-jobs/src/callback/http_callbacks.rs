//! Makes the jobs that tell of the ends of others.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    message::CallbackMessage,
    payload::{CallbackPayload, CallbackTarget},
};
use crate::{AggregationKey, AggregationSettings, Callbacks, Job, Kind, NewJob, Priority, Submitter};

/// How hard it is tried to deliver a callback.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackRules {
    /// How many attempts may fail. With the default backoff fifty of them take three hours or more.
    pub max_attempts: NonZeroU32,
    /// For how long a callback is worth delivering.
    pub max_age: Option<Duration>,
    /// The priority among the callbacks to one host.
    pub priority: Priority,
    /// The limits of the callbacks to a host to which there are none yet.
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

/// Makes one job of kind `callback` for each submitter that wants to be told over HTTP, in the aggregation of the host that is
/// told. It makes none for submitters of other types, and none for the ends of callbacks.
#[derive(Clone, Debug)]
pub struct HttpCallbacks {
    download_base: Arc<str>,
    rules: CallbackRules,
}

impl HttpCallbacks {
    /// Callbacks that say of files that they are below this URL.
    pub fn new(download_base: &str, rules: CallbackRules) -> Self {
        Self {
            download_base: download_base.into(),
            rules,
        }
    }

    fn callback(&self, job: &Job, submitter: &Submitter, kind: &Kind) -> Option<NewJob> {
        let told = submitter.callback.as_ref()?;
        if told.get("type").and_then(Value::as_str) != Some(CallbackTarget::HTTP) {
            return None;
        }
        let key = CallbackPayload::key(job, submitter);
        let target: Result<CallbackTarget, _> = serde_json::from_value(told.clone());
        let (host, title, payload) = match target {
            Ok(CallbackTarget { dst, .. }) => {
                let message = CallbackMessage::new(job, submitter, &self.download_base);
                let payload = CallbackPayload {
                    body: serde_json::to_string(&message).unwrap_or_default(),
                    url: dst.clone(),
                    key,
                };
                (
                    dst.host(),
                    // The job's id, so that its callbacks are found.
                    format!("{dst} for {}", job.id),
                    serde_json::to_value(payload).unwrap_or_default(),
                )
            }
            // Such a callback fails at its first attempt, and is found among the dead ones.
            Err(_) => ("unreadable".to_owned(), key.clone(), json!({"key": key})),
        };
        let mut callback = NewJob::new(AggregationKey::new(kind.clone(), &host).ok()?, payload);
        callback.title = title;
        callback.aggregation_settings.clone_from(&self.rules.settings);
        callback.max_attempts = self.rules.max_attempts;
        callback.max_age = self.rules.max_age;
        callback.priority = self.rules.priority;
        Some(callback)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Callbacks for HttpCallbacks {
    fn of(&self, job: &Job) -> Vec<NewJob> {
        let Ok(kind) = CallbackPayload::KIND.parse::<Kind>() else {
            return Vec::new();
        };
        if *job.aggregation.kind() == kind {
            return Vec::new();
        }
        let submitters = job.submitters.iter();
        submitters
            .filter_map(|submitter| self.callback(job, submitter, &kind))
            .collect()
    }
}

#[cfg(test)]
mod tests;
