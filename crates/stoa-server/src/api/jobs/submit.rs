//! What somebody submits.

use std::{collections::BTreeMap, num::NonZeroUsize};

use serde::Deserialize;
use serde_json::json;
use stoa_jobs::{
    NewJob, Priority,
    callback::CallbackTarget,
    download::{DownloadSpec, DownloadUrl, MimeRule, Sha256Hex, SpecError},
};
use stoa_module::{ModulePath, Query, Wanted, WantedFiles, WantedFormat};
use stoa_proxy::{MirrorSpec, MirrorVersions, ModuleSpec, PrefetchSpec};

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
    /// A URL that is told the end.
    callback: Option<DownloadUrl>,
    /// What is told again with it.
    #[serde(default)]
    extra: String,
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
    /// The job.
    ///
    /// # Errors
    /// What is wrong with it, by field.
    pub(super) fn job(self) -> Result<NewJob, String> {
        let job = match (self.module, self.prefetch, self.url, self.mirror) {
            (None, None, None, Some(mirror)) => {
                of_mirror(mirror).map_err(|error| format!("mirror: {error}"))?
            }
            (None, None, Some(download), None) => {
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

fn of_url(download: Download) -> Result<NewJob, SpecError> {
    let mut spec = DownloadSpec::new(download.url);
    spec.headers = download.headers;
    (spec.sha256, spec.max_bytes, spec.mime_type) = (download.sha256, download.max_bytes, download.mime_type);
    let mut job = spec.new_job(download.aggregation.as_deref())?;
    job.submitter.callback = download.callback.map(|url| json!(CallbackTarget::http(url)));
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
        serde_json::from_str::<Submission>(json)
            .map_err(|error| error.to_string())?
            .job()
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
