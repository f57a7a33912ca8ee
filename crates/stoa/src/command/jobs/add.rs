//! `stoa jobs add`.

use std::{collections::BTreeMap, fmt, path::Path};

use http::Method;
use serde_json::{Map, Value, json};
use stoa_jobs::download::{DownloadSpec, DownloadUrl, MimeRule, Sha256Hex};

use super::super::{
    admin_client::AdminClient,
    job_rows::{outcome, print},
    text_file::{self, lines},
    wait::{Interrupt, ended, left_alone},
};
use crate::{
    cli::{JobsAdd, ServerCommon},
    command_error::{CommandError, USAGE},
    progress::Board,
};

/// Submits all of them, or none if something is wrong that can be seen here.
pub(super) async fn add(
    client: &AdminClient,
    server: &ServerCommon,
    add: JobsAdd,
) -> Result<(), CommandError> {
    let submissions = submissions(&add)?;
    let mut interrupt = Interrupt::new()?;
    let (mut jobs, mut ids) = (Vec::new(), Vec::new());
    for submission in &submissions {
        let job = match client.ask(Method::POST, &["jobs"], Some(submission)).await {
            Ok(job) => job,
            Err(error) => {
                // What was accepted stays so, and who asked has to know what it is.
                print(&jobs, add.json)?;
                return Err(error);
            }
        };
        ids.push(job["id"].as_str().unwrap_or_default().to_owned());
        jobs.push(job);
        if interrupt.is_pressed() {
            return Err(left_alone(ids.iter().map(String::as_str), server));
        }
    }
    if !add.wait {
        return print(&jobs, add.json);
    }
    let Some(jobs) = interrupt.or(ended(client, &ids, Board::new(add.quiet))).await else {
        return Err(left_alone(ids.iter().map(String::as_str), server));
    };
    outcome(&jobs?, add.json)
}

fn usage(text: impl fmt::Display) -> CommandError {
    CommandError {
        text: text.to_string(),
        code: USAGE,
    }
}

/// What is sent, one for each URL, checked as the server will check it.
fn submissions(add: &JobsAdd) -> Result<Vec<Value>, CommandError> {
    let given = add.urls.iter().map(|url| (format!("{url:?}"), url.clone()));
    let mut urls: Vec<(String, String)> = given.collect();
    if let Some(file) = &add.from {
        for (line, url) in read(file)? {
            urls.push((place(file, line), url));
        }
    }
    let mut download = Map::new();
    let (sha256, rule) = (add.sha256.as_deref(), add.mime_type.as_deref());
    if sha256.is_some() && urls.len() != 1 {
        return Err(usage(format!(
            "--sha256 is for one URL, and there are {}",
            urls.len()
        )));
    }
    if let Some(digest) = sha256 {
        digest
            .parse::<Sha256Hex>()
            .map_err(|error| usage(format!("--sha256: {error}")))?;
        download.insert("sha256".to_owned(), json!(digest));
    }
    if let Some(rule) = rule {
        rule.parse::<MimeRule>()
            .map_err(|error| usage(format!("--mime-type: {error}")))?;
        download.insert("mime_type".to_owned(), json!(rule));
    }
    if let Some(callback) = &add.callback {
        callback
            .parse::<DownloadUrl>()
            .map_err(|error| usage(format!("--callback: {error}")))?;
        download.insert("callback".to_owned(), json!(callback));
    }
    download.extend(add.extra.as_ref().map(|extra| ("extra".to_owned(), json!(extra))));
    download.extend(add.max_bytes.map(|most| ("max_bytes".to_owned(), json!(most))));
    let headers = headers(add)?;
    download.extend((!headers.is_empty()).then(|| ("headers".to_owned(), json!(headers))));
    let aggregation = add.aggregation.as_deref();
    download.extend(aggregation.map(|name| ("aggregation".to_owned(), json!(name))));
    let one = |(place, url): (String, String)| {
        let parsed = url.parse::<DownloadUrl>();
        let parsed = parsed.map_err(|error| usage(format!("{place}: {error}")))?;
        let mut spec = DownloadSpec::new(parsed);
        spec.headers.clone_from(&headers);
        spec.new_job(aggregation).map_err(usage)?;
        let mut download = download.clone();
        download.insert("url".to_owned(), json!(url));
        Ok(match add.priority {
            Some(priority) => json!({ "url": download, "priority": priority }),
            None => json!({ "url": download }),
        })
    };
    let submissions: Vec<_> = urls.into_iter().map(one).collect::<Result<_, CommandError>>()?;
    if submissions.is_empty() {
        return Err(usage("there is no URL in the file"));
    }
    Ok(submissions)
}

fn place(file: &Path, line: usize) -> String {
    format!("{}: line {line}", file.display())
}

/// The lines of a file, each with its number.
fn read(file: &Path) -> Result<Vec<(usize, String)>, CommandError> {
    let text = text_file::read(file);
    let text = text.map_err(|error| CommandError::new(format!("{}: {error}", file.display())))?;
    Ok(lines(&text)
        .map(|(number, line)| (number, line.to_owned()))
        .collect())
}

fn headers(add: &JobsAdd) -> Result<BTreeMap<String, String>, CommandError> {
    let given = add.header.iter();
    let mut all: Vec<(String, String)> = given
        .map(|header| ("--header".to_owned(), header.clone()))
        .collect();
    if let Some(file) = &add.header_file {
        for (line, header) in read(file)? {
            all.push((place(file, line), header));
        }
    }
    let mut headers = BTreeMap::new();
    for (place, header) in all {
        // Its value may be a secret, so none of it is said.
        let Some((name, value)) = header.split_once(':') else {
            return Err(usage(format!("{place}: write NAME: VALUE")));
        };
        let (name, value) = (name.trim(), value.trim());
        if headers.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(usage(format!("{place}: {name} is there twice")));
        }
    }
    Ok(headers)
}
