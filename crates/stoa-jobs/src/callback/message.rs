//! What a submitter is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Job, State, Submitter, download::object_name};

/// What a submitter is told of a job that has ended: the message of skroutz/downloader, always with all ten fields in this
/// order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackMessage {
    /// Whether the job is done.
    pub success: bool,
    /// Why it is not.
    pub error: String,
    /// What the submitter gave to be told again.
    pub extra: String,
    /// The size of the image, as `10x10`.
    pub image_size: String,
    /// What was downloaded: the URL as it was submitted.
    pub resource_url: String,
    /// Where the file can be fetched; empty if there is none.
    pub download_url: String,
    /// The id of the job.
    pub job_id: String,
    /// The last status of the server; 0 if it never answered.
    pub response_code: u16,
    /// Always true.
    pub delivered: bool,
    /// Always empty.
    pub delivery_error: String,
}

impl CallbackMessage {
    /// What `submitter` is told of `job`, whose file is below `download_base`.
    pub fn new(job: &Job, submitter: &Submitter, download_base: &str) -> Self {
        let (success, error) = match &job.state {
            State::Ok { .. } => (true, ""),
            State::Dead { failure, .. } | State::Cancelled { failure, .. } => (false, &*failure.text),
            _ => (false, "the job has not ended"),
        };
        let result = job.result.as_ref().filter(|_| success);
        let text = |name: &str| result.and_then(|result| result.get(name)?.as_str());
        let has_file = text("location").is_some();
        let download_url = if has_file {
            format!("{}/{}", download_base.trim_end_matches('/'), object_name(&job.id))
        } else {
            String::new()
        };
        let of_attempt = || {
            job.attempts
                .back()
                .and_then(|attempt| attempt.notes.get("status"))
        };
        let status = match result {
            Some(result) => result.get("status"),
            None => of_attempt(),
        };
        let response_code = status
            .and_then(Value::as_u64)
            .and_then(|status| status.try_into().ok());
        let url = job.payload.get("url").and_then(Value::as_str);
        Self {
            success,
            error: error.to_owned(),
            extra: submitter.extra.clone(),
            image_size: text("image_size").unwrap_or_default().to_owned(),
            resource_url: url.unwrap_or(&job.title).to_owned(),
            download_url,
            job_id: job.id.to_string(),
            response_code: response_code.unwrap_or(0),
            delivered: true,
            delivery_error: String::new(),
        }
    }
}
