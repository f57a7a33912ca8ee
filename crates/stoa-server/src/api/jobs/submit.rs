//! What somebody submits.

use serde::Deserialize;
use stoa_jobs::{NewJob, Priority};
use stoa_module::{ModulePath, Query, Wanted, WantedFiles, WantedFormat};
use stoa_proxy::{ModuleSpec, PrefetchSpec};

/// A job as the API takes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// A module to bring in, as `PATH@QUERY`.
    module: Option<String>,
    /// Modules to bring in, by a file that names them.
    prefetch: Option<Prefetch>,
    /// 0 to 9; 0 starts first.
    priority: Option<Priority>,
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

impl Submission {
    /// The job.
    ///
    /// # Errors
    /// What is wrong with it, by field.
    pub(super) fn job(self) -> Result<NewJob, String> {
        let job = match (self.module, self.prefetch) {
            (Some(module), None) => of_module(&module).map_err(|error| format!("module: {error}"))?,
            (None, Some(prefetch)) => {
                of_file(&prefetch).map_err(|error| format!("prefetch: {}: {error}", prefetch.name))?
            }
            _ => return Err("name one of module and prefetch".to_owned()),
        };
        Ok(NewJob {
            priority: self.priority.unwrap_or_default(),
            ..job
        })
    }
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
            ("{}", "name one of module and prefetch"),
            (
                r#"{"module":"a.example/b@v1.0.0","prefetch":{"name":"go.sum","text":""}}"#,
                "name one of module and prefetch",
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
            ("x/go.sum (1 modules)", Priority::FIRST)
        );
    }
}
