//! `stoa prefetch`.

use std::{
    fs, io,
    io::{Read, Write},
};

use http::Method;
use serde_json::{Value, json};

use super::{
    admin_client::AdminClient,
    jobs::{ended, row},
};
use crate::{
    cli::ServerCommon, command_error::CommandError, config::Config, progress, setup::runtime,
    terminal::stdout,
};

/// The largest file that is sent, in bytes; the server takes no larger one either.
const LARGEST: u64 = 4 << 20;
/// How many children that failed are shown.
const SHOWN: &str = "100";

pub(super) fn run(
    config: &Config,
    server: &ServerCommon,
    wanted: &[String],
    detach: bool,
) -> Result<(), CommandError> {
    let submissions = wanted
        .iter()
        .map(|wanted| submission(wanted))
        .collect::<Result<Vec<_>, _>>()?;
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        prefetch(&client, submissions, detach).await
    })
}

/// A file that is there, standard input, or else a module.
fn submission(wanted: &str) -> Result<Value, CommandError> {
    let failed = |error: io::Error| CommandError::new(format!("{wanted}: {error}"));
    let text = if wanted == "-" {
        Some(bounded(io::stdin().lock()).map_err(failed)?)
    } else {
        match fs::File::open(wanted) {
            Ok(file) => Some(bounded(file).map_err(failed)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        }
    };
    let looks_like_a_file = wanted.starts_with(['.', '/']) || !wanted.contains('/');
    match text {
        Some(text) => Ok(json!({ "prefetch": { "name": wanted, "text": text } })),
        None if looks_like_a_file => Err(CommandError::new(format!(
            "{wanted}: there is no such file, and a module path has a / in it"
        ))),
        None => Ok(json!({ "module": wanted })),
    }
}

fn bounded(file: impl Read) -> io::Result<String> {
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(text)
}

async fn prefetch(client: &AdminClient, submissions: Vec<Value>, detach: bool) -> Result<(), CommandError> {
    let mut jobs = Vec::new();
    for submission in &submissions {
        jobs.push(client.ask(Method::POST, &["jobs"], Some(submission)).await?);
    }
    if detach {
        for job in &jobs {
            writeln!(stdout(), "{}", row(job))?;
        }
        return Ok(());
    }
    let mut failed = false;
    for job in &jobs {
        let bar = progress::count(job["title"].as_str().unwrap_or_default());
        let id = job["id"].as_str().unwrap_or_default();
        let done = ended(client, id, |job| bar.set_message(so_far(job))).await;
        bar.finish_and_clear();
        let done = done?;
        writeln!(stdout(), "{}", row(&done))?;
        if done["state"] != "ok" {
            failed = true;
            let query = [("parent", id), ("state", "dead,cancelled"), ("limit", SHOWN)];
            let children = client.ask_about(Method::GET, &["jobs"], &query, None).await?;
            for child in children["jobs"].as_array().into_iter().flatten() {
                writeln!(stdout(), "{}", row(child))?;
            }
        }
    }
    if failed {
        Err(CommandError::already_printed())
    } else {
        Ok(())
    }
}

/// How far a job has come.
fn so_far(job: &Value) -> String {
    let children = &job["children"];
    let count = |name: &str| children[name].as_u64().unwrap_or_default();
    let title = job["title"].as_str().unwrap_or_default();
    match (count("open"), count("ok"), count("failed")) {
        (0, 0, 0) => match job["progress"]["bytes"].as_u64() {
            Some(bytes) => format!("{title}: {bytes} bytes"),
            None => title.to_owned(),
        },
        (open, ok, failed) => format!("{title}: {ok} done, {failed} failed, {open} to go"),
    }
}
