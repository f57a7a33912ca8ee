//! A job as skroutz/downloader takes it.

use std::{collections::BTreeMap, num::NonZeroU32};

use serde_json::{Map, Value, json};
use stoa_dispatch::Via;
use stoa_jobs::{
    AggregationSettings, NewJob, Submitter,
    callback::{CallbackTarget, KafkaTopic},
    download::{DownloadSpec, DownloadUrl},
};

use crate::kafka::NO_KAFKA;

/// The retries of a job that says nothing of them.
const RETRIES: u32 = 2;

/// Reads a job. Fields that are not known are ignored, as there. Ends are told over Kafka only where it is.
///
/// # Errors
/// What is wrong with it, by field.
pub(super) fn read(body: &[u8], has_kafka: bool) -> Result<NewJob, String> {
    let fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| format!("the body is no JSON object: {error}"))?;
    let url: DownloadUrl = text(&fields, "url")?
        .parse()
        .map_err(|error| format!("url: {error}"))?;
    let aggregation = text(&fields, "aggr_id")?;
    let limit = whole(&fields, "aggr_limit")?.ok_or("aggr_limit: it is missing")?;
    let concurrency = NonZeroU32::new(limit).ok_or("aggr_limit: it is more than 0")?;
    let proxy = proxy(&fields)?;
    let mut spec = DownloadSpec::new(url);
    spec.mime_type = optional(&fields, "mime_type")?
        .map(|rule| rule.parse().map_err(|error| format!("mime_type: {error}")))
        .transpose()?;
    spec.extract_image_size = match fields.get("extract_image_size") {
        None => false,
        Some(Value::Bool(extract)) => *extract,
        Some(_) => return Err("extract_image_size: it is true or false".to_owned()),
    };
    spec.headers = headers(&fields)?;
    let timeout = whole(&fields, "download_timeout")?;
    if fields.contains_key("download_timeout") {
        let seconds = timeout
            .and_then(NonZeroU32::new)
            .ok_or("download_timeout: it is a number of seconds, more than 0")?;
        spec.timeouts.run_ms = std::num::NonZeroU64::new(u64::from(seconds.get()) * 1_000);
    }
    if fields.contains_key("s3_bucket") || fields.contains_key("s3_region") {
        return Err("s3_bucket: this server keeps downloads in its own folder only".to_owned());
    }
    let retries = whole(&fields, "max_retries")?.unwrap_or(RETRIES);
    let mut job = spec
        .new_job(Some(aggregation))
        .map_err(|error| error.to_string())?;
    job.max_attempts = NonZeroU32::MIN.saturating_add(retries);
    job.aggregation_settings = Some(AggregationSettings {
        concurrency,
        proxy,
        ..AggregationSettings::default()
    });
    job.submitter = Submitter {
        callback: Some(json!(callback(&fields, has_kafka)?)),
        extra: extra(&fields)?,
        ..Submitter::default()
    };
    Ok(job)
}

/// What is told again; what is no text is none, as by the origin.
fn extra(fields: &Map<String, Value>) -> Result<String, String> {
    let extra = fields.get("extra").and_then(Value::as_str).unwrap_or_default();
    if extra.len() > Submitter::MAX_EXTRA {
        return Err(format!("extra: it has more than {} bytes", Submitter::MAX_EXTRA));
    }
    Ok(extra.to_owned())
}

/// A text that has to be there.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(format!("{name}: it is a text, and not empty")),
        None => Err(format!("{name}: it is missing")),
    }
}

/// A text that may be there.
fn optional<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty()).map(String::as_str)),
        Some(_) => Err(format!("{name}: it is a text")),
    }
}

/// The whole part of a number that is not negative, if it is there.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is in the range of the type"
)]
fn whole(fields: &Map<String, Value>, name: &str) -> Result<Option<u32>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if (0.0..=f64::from(u32::MAX)).contains(&number) => Ok(Some(number as u32)),
            _ => Err(format!("{name}: it is a number, 0 or more")),
        },
    }
}

fn proxy(fields: &Map<String, Value>) -> Result<Option<String>, String> {
    let Some(proxy) = optional(fields, "aggr_proxy")? else {
        return Ok(None);
    };
    proxy
        .parse::<Via>()
        .map(|_| Some(proxy.to_owned()))
        .map_err(|error| format!("aggr_proxy: {error}"))
}

fn headers(fields: &Map<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let Some(headers) = fields.get("request_headers") else {
        return Ok(BTreeMap::new());
    };
    let wrong = || "request_headers: it is an object of texts".to_owned();
    let headers = headers.as_object().ok_or_else(wrong)?;
    let texts = headers
        .iter()
        .map(|(name, value)| Ok((name.clone(), value.as_str().ok_or_else(wrong)?.to_owned())));
    // The origin takes a Host and does not send it.
    texts
        .filter(|header| !matches!(header, Ok((name, _)) if name.eq_ignore_ascii_case("host")))
        .collect()
}

/// Where the end is told: `callback_type` and `callback_dst`, or `callback_url`, which is over HTTP.
fn callback(fields: &Map<String, Value>, has_kafka: bool) -> Result<CallbackTarget, String> {
    let parsed = |name: &str, url: &str| {
        url.parse::<DownloadUrl>()
            .map_err(|error| format!("{name}: {error}"))
    };
    if let Some(url) = optional(fields, "callback_url")? {
        return Ok(CallbackTarget::Http(parsed("callback_url", url)?));
    }
    let (kind, target) = (text(fields, "callback_type")?, text(fields, "callback_dst")?);
    match kind {
        CallbackTarget::HTTP => Ok(CallbackTarget::Http(parsed("callback_dst", target)?)),
        CallbackTarget::KAFKA if !has_kafka => Err(format!("callback_type: {NO_KAFKA}")),
        CallbackTarget::KAFKA => {
            let topic = target.parse::<KafkaTopic>();
            Ok(CallbackTarget::Kafka(
                topic.map_err(|error| format!("callback_dst: {error}"))?,
            ))
        }
        _ => Err(format!(
            "callback_type: this server has no {kind:?}, only http and kafka"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"url":"http://a.example/x","aggr_id":"a","aggr_limit":3,"callback_url":"http://b.example/c"}"#;

    /// The good job with these fields in it.
    fn with(changes: &str) -> Result<NewJob, String> {
        with_kafka(changes, false)
    }

    fn with_kafka(changes: &str, has_kafka: bool) -> Result<NewJob, String> {
        let mut fields: Map<String, Value> = serde_json::from_str(GOOD).expect("an object");
        let changes: Map<String, Value> = serde_json::from_str(changes).expect(changes);
        for (name, value) in changes {
            // A field that is there no more, and one that is null.
            if value == json!("-") {
                fields.remove(&name)
            } else {
                fields.insert(name, value)
            };
        }
        read(Value::Object(fields).to_string().as_bytes(), has_kafka)
    }

    #[test]
    fn jobs_are_taken_as_by_the_origin() {
        let job = with("{}").expect("a job");
        assert_eq!(
            (job.aggregation.to_string().as_str(), job.max_attempts.get()),
            ("url/a", 3)
        );
        assert_eq!(job.aggregation_settings.expect("settings").concurrency.get(), 3);
        for (changes, attempts) in [
            (r#"{"max_retries":0}"#, 1),
            (r#"{"max_retries":1.9}"#, 2),
            (r#"{"aggr_limit":4.7,"unknown":7,"extra":5}"#, 3),
            (
                r#"{"mime_type":"!image/vnd.adobe.photoshop,image/*","extract_image_size":true,"download_timeout":9}"#,
                3,
            ),
            (
                r#"{"callback_url":"-","callback_type":"http","callback_dst":"https://b.example/c"}"#,
                3,
            ),
            (
                r#"{"request_headers":{"X-A":"b","Host":"ignored"},"aggr_proxy":""}"#,
                3,
            ),
        ] {
            assert_eq!(
                with(changes).expect(changes).max_attempts.get(),
                attempts,
                "{changes}"
            );
        }
    }

    #[test]
    fn what_the_origin_refuses_is_refused_with_its_field() {
        for (changes, want) in [
            (r#"{"url":"-"}"#, "url: it is missing"),
            (r#"{"url":7}"#, "url: it is a text"),
            (r#"{"url":""}"#, "url: it is a text"),
            (r#"{"url":"/path"}"#, "url: "),
            (r#"{"url":"ftp://a.example/x"}"#, "url: "),
            (r#"{"aggr_id":""}"#, "aggr_id: "),
            (r#"{"aggr_id":null}"#, "aggr_id: "),
            (r#"{"aggr_limit":0}"#, "aggr_limit: it is more than 0"),
            (r#"{"aggr_limit":-1}"#, "aggr_limit: it is a number"),
            (r#"{"aggr_limit":"4"}"#, "aggr_limit: it is a number"),
            (r#"{"aggr_limit":"-"}"#, "aggr_limit: it is missing"),
            (r#"{"aggr_proxy":null}"#, "aggr_proxy: it is a text"),
            (r#"{"aggr_proxy":7}"#, "aggr_proxy: it is a text"),
            (r#"{"aggr_proxy":"hunter2"}"#, "aggr_proxy: a proxy is written"),
            (r#"{"mime_type":"image/["}"#, "mime_type: "),
            (r#"{"max_retries":-1}"#, "max_retries: "),
            (r#"{"download_timeout":null}"#, "download_timeout: "),
            (r#"{"download_timeout":0}"#, "download_timeout: "),
            (r#"{"request_headers":{"X":7}}"#, "request_headers: "),
            (r#"{"request_headers":"X"}"#, "request_headers: "),
            (r#"{"callback_url":"-"}"#, "callback_type: it is missing"),
            (
                r#"{"callback_url":"-","callback_type":"http"}"#,
                "callback_dst: it is missing",
            ),
            (
                r#"{"callback_url":"-","callback_type":"kafka","callback_dst":"topic"}"#,
                "callback_type: this server tells nobody over Kafka: name a file",
            ),
            (
                r#"{"callback_url":"-","callback_type":"nats","callback_dst":"topic"}"#,
                "callback_type: this server has no \"nats\"",
            ),
            (r#"{"s3_bucket":"b","s3_region":"r"}"#, "s3_bucket: "),
        ] {
            let error = with(changes).expect_err(changes);
            assert!(error.starts_with(want), "{changes}: {error}");
        }
        for body in ["", "[]", "{", "7"] {
            assert!(read(body.as_bytes(), true).is_err(), "{body}");
        }
    }

    #[test]
    fn ends_are_told_over_kafka_where_it_is() {
        let told = |topic: &str| {
            let changes = json!({"callback_url": "-", "callback_type": "kafka", "callback_dst": topic});
            with_kafka(&changes.to_string(), true).map(|job| job.submitter.callback)
        };
        let target = json!({"type": "kafka", "dst": "a.topic"});
        assert_eq!(told("a.topic"), Ok(Some(target)));
        let error = told("a topic").expect_err("no topic");
        assert!(
            error.starts_with("callback_dst: a topic of Kafka is named by"),
            "{error}"
        );
    }
}
