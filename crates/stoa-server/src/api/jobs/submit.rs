//! What somebody submits.

use std::{collections::BTreeMap, num::NonZeroUsize};

use serde::Deserialize;
use serde_json::{Value, json};
use stoa_jobs::{
    NewJob, Priority, Submitter,
    callback::CallbackTarget,
    download::{DownloadSpec, DownloadUrl, MimeRule, Sha256Hex},
};
use stoa_module::{ModulePath, Query, Wanted, WantedFiles, WantedFormat};
use stoa_proxy::{MirrorSpec, MirrorVersions, ModuleSpec, PrefetchSpec};

use crate::kafka::NO_KAFKA;

/// What else a callback is not.
const WRITTEN: &str = "write \"URL\" or {\"kafka\": \"TOPIC\"}";

/// A job as the API takes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// A module to bring in, as `PATH@QUERY`.
    module: Option<String>,
    /// A URL to download.
    url: Option<Download>,
    /// Modules to bring in, by a file that names them.
    prefetch: Option<Prefetch>,
    /// Modules to bring in as their sources have them.
    mirror: Option<Mirror>,
    /// 0 to 9; 0 starts first.
    priority: Option<Priority>,
}

/// A URL, and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Download {
    url: DownloadUrl,
    /// The name of the aggregation; the host if there is none.
    aggregation: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    sha256: Option<Sha256Hex>,
    max_bytes: Option<u64>,
    mime_type: Option<MimeRule>,
    /// Who is told the end.
    callback: Option<Callback>,
    /// What is told again with it.
    #[serde(default)]
    extra: String,
}

/// Who is told the end: `"URL"`, or `{"kafka": "TOPIC"}`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
struct Callback(CallbackTarget);

impl TryFrom<Value> for Callback {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let target = match &value {
            Value::String(url) => url
                .parse()
                .map(CallbackTarget::Http)
                .map_err(|error| error.to_string()),
            Value::Object(fields) => match (fields.len(), fields.get(CallbackTarget::KAFKA)) {
                (1, Some(Value::String(topic))) => topic
                    .parse()
                    .map(CallbackTarget::Kafka)
                    .map_err(|error| error.to_string()),
                _ => Err(WRITTEN.to_owned()),
            },
            _ => Err(WRITTEN.to_owned()),
        };
        target.map(Self).map_err(|error| format!("callback: {error}"))
    }
}

/// A file that names modules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prefetch {
    /// What the file is called: `go.sum`, `go.mod`, or anything.
    name: String,
    /// What is in it.
    text: String,
}

/// Modules, and which of their versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mirror {
    modules: Vec<String>,
    #[serde(default)]
    versions: MirrorVersions,
    limit: Option<NonZeroUsize>,
}

impl Submission {
    /// The job. Ends are told over Kafka only where it is.
    ///
    /// # Errors
    /// What is wrong with it, by field.
    pub(super) fn job(self, has_kafka: bool) -> Result<NewJob, String> {
        let job = match (self.module, self.prefetch, self.url, self.mirror) {
            (None, None, None, Some(mirror)) => {
                of_mirror(mirror).map_err(|error| format!("mirror: {error}"))?
            }
            (None, None, Some(download), None) => {
                if !has_kafka && matches!(download.callback, Some(Callback(CallbackTarget::Kafka(_)))) {
                    return Err(format!("url: callback: {NO_KAFKA}"));
                }
                of_url(download).map_err(|error| format!("url: {error}"))?
            }
            (Some(module), None, None, None) => {
                of_module(&module).map_err(|error| format!("module: {error}"))?
            }
            (None, Some(prefetch), None, None) => {
                of_file(&prefetch).map_err(|error| format!("prefetch: {}: {error}", prefetch.name))?
            }
            _ => return Err("name one of module, prefetch, mirror and url".to_owned()),
        };
        Ok(NewJob {
            priority: self.priority.unwrap_or_default(),
            ..job
        })
    }
}

fn of_url(download: Download) -> Result<NewJob, String> {
    let mut spec = DownloadSpec::new(download.url);
    spec.headers = download.headers;
    (spec.sha256, spec.max_bytes, spec.mime_type) = (download.sha256, download.max_bytes, download.mime_type);
    let mut job = spec
        .new_job(download.aggregation.as_deref())
        .map_err(|error| error.to_string())?;
    job.submitter.callback = download.callback.map(|Callback(target)| json!(target));
    if download.extra.len() > Submitter::MAX_EXTRA {
        return Err(format!(
            "extra: it has {} bytes, and {} are the most",
            download.extra.len(),
            Submitter::MAX_EXTRA
        ));
    }
    job.submitter.extra = download.extra;
    Ok(job)
}

fn of_module(text: &str) -> Result<NewJob, String> {
    let (path, query) = text.split_once('@').unwrap_or((text, "latest"));
    let path = ModulePath::parse(path).map_err(|error| error.to_string())?;
    let query = Query::parse(&path, query).map_err(|error| error.to_string())?;
    Ok(ModuleSpec::new(&path, &query, WantedFiles::All).job())
}

fn of_file(prefetch: &Prefetch) -> Result<NewJob, String> {
    let format = WantedFormat::of(&prefetch.name, &prefetch.text);
    let wanted = Wanted::read(format, &prefetch.text).map_err(|error| error.to_string())?;
    if wanted.is_empty() {
        return Err("it asks for no module".to_owned());
    }
    Ok(PrefetchSpec::new(&prefetch.name, &wanted).job())
}

/// Once; what is repeated stands in the configuration.
fn of_mirror(mirror: Mirror) -> Result<NewJob, String> {
    let name = match mirror.modules.as_slice() {
        [module] => module.clone(),
        modules => format!("of {} modules", modules.len()),
    };
    let spec = MirrorSpec {
        name,
        modules: mirror.modules,
        versions: mirror.versions,
        limit: mirror.limit,
        every_ms: None,
    };
    spec.check().map(|()| spec.job())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(json: &str) -> Result<NewJob, String> {
        job_with(json, false)
    }

    fn job_with(json: &str, has_kafka: bool) -> Result<NewJob, String> {
        serde_json::from_str::<Submission>(json)
            .map_err(|error| error.to_string())?
            .job(has_kafka)
    }

    #[test]
    fn ends_are_told_over_http_and_where_it_is_over_kafka() {
        let of =
            |callback: &str| format!(r#"{{"url":{{"url":"http://a.example/x","callback":{callback}}}}}"#);
        let told =
            |callback: &str, has_kafka| job_with(&of(callback), has_kafka).map(|job| job.submitter.callback);
        let url = json!({"type": "http", "dst": "http://b.example/c"});
        assert_eq!(told(r#""http://b.example/c""#, false), Ok(Some(url)));
        let topic = json!({"type": "kafka", "dst": "a.topic"});
        assert_eq!(told(r#"{"kafka":"a.topic"}"#, true), Ok(Some(topic)));
        assert_eq!(told("null", false), Ok(None));
        for (callback, has_kafka, want) in [
            (
                r#"{"kafka":"a.topic"}"#,
                false,
                "url: callback: this server tells nobody over Kafka",
            ),
            (
                r#"{"kafka":"a topic"}"#,
                true,
                "callback: a topic of Kafka is named by",
            ),
            (
                r#"{"kafka":7}"#,
                true,
                r#"callback: write "URL" or {"kafka": "TOPIC"}"#,
            ),
            (r#"{"kafka":"a","nats":"b"}"#, true, "callback: write "),
            ("7", true, "callback: write "),
            (r#""ftp://b.example/c""#, true, "callback: "),
        ] {
            let error = told(callback, has_kafka).expect_err(callback);
            assert!(error.contains(want), "{callback}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, want) in [
            ("{}", "name one of module, prefetch, mirror and url"),
            (
                r#"{"module":"a.example/b@v1.0.0","prefetch":{"name":"go.sum","text":""}}"#,
                "name one of module, prefetch, mirror and url",
            ),
            (r#"{"module":"../b@v1.0.0"}"#, "module: malformed module path"),
            (
                r#"{"prefetch":{"name":"go.sum","text":"a b\n"}}"#,
                "prefetch: go.sum: line 1: wrong number of fields",
            ),
            (
                r##"{"prefetch":{"name":"list","text":"# nothing\n"}}"##,
                "prefetch: list: it asks for no module",
            ),
            (
                r#"{"module":"a.example/b","priority":10}"#,
                "a priority is 0 to 9, and not 10",
            ),
            (r#"{"mirror":{"modules":["x"]}}"#, "mirror: malformed module path"),
            (r#"{"mirror":{"modules":[]}}"#, "mirror: must name a module"),
            (
                r#"{"mirror":{"modules":["a.example/b"],"versions":"some"}}"#,
                "unknown variant `some`, expected one of `all`, `latest`, `releases`",
            ),
            (r#"{"modul":"a.example/b"}"#, "unknown field `modul`"),
        ] {
            let error = job(json).expect_err(json);
            assert!(error.contains(want), "{json}: {error}");
        }
        assert_eq!(
            job(r#"{"module":"a.example/b"}"#).expect("a job").title,
            "a.example/b@latest"
        );
        let text = r#"{"prefetch":{"name":"x/go.sum","text":"a.example/b v1.0.0 h1:x=\n"},"priority":0}"#;
        let job = job(text).expect("a job");
        assert_eq!(
            (job.title.as_str(), job.priority),
            ("x/go.sum (1 module)", Priority::FIRST)
        );
    }
}
