//! `stoa jobs`.

use std::io::{self, Write};

use http::Method;
use serde_json::Value;

use super::admin_client::AdminClient;
use crate::{
    cli::{JobsCommand, ServerCommon},
    command_error::CommandError,
    config::Config,
    setup::runtime,
    terminal::stdout,
};

/// How long one request waits for a job.
pub(super) const WAIT: &str = "8s";

pub(super) fn run(config: &Config, server: &ServerCommon, command: JobsCommand) -> Result<(), CommandError> {
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        jobs(&client, command).await
    })
}

async fn jobs(client: &AdminClient, command: JobsCommand) -> Result<(), CommandError> {
    match command {
        JobsCommand::Ls {
            state,
            parent,
            text,
            limit,
            json,
        } => {
            let limit = limit.to_string();
            let given = [("state", &state), ("parent", &parent), ("q", &text)];
            let given = given
                .iter()
                .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
            let query: Vec<_> = given.chain([("limit", limit.as_str())]).collect();
            let answer = client.ask_about(Method::GET, &["jobs"], &query, None).await?;
            if json {
                return writeln!(stdout(), "{answer:#}").map_err(CommandError::from);
            }
            list(&answer).map_err(CommandError::from)
        }
        JobsCommand::Show { id } => {
            let job = client.ask(Method::GET, &["jobs", &id], None).await?;
            writeln!(stdout(), "{job:#}").map_err(CommandError::from)
        }
        JobsCommand::Wait { id } => {
            let job = ended(client, &id, |_| {}).await?;
            line(&job)?;
            if job["state"] == "ok" {
                Ok(())
            } else {
                Err(CommandError::already_printed())
            }
        }
        JobsCommand::Cancel { ids } => each(client, &ids, "cancel").await,
        JobsCommand::Retry { ids } => each(client, &ids, "retry").await,
    }
}

/// Does something to each job, and fails at the end if it could not be done to one.
async fn each(client: &AdminClient, ids: &[String], action: &str) -> Result<(), CommandError> {
    let mut failed = None;
    for id in ids {
        match client.ask(Method::POST, &["jobs", id, action], None).await {
            Ok(job) => line(&job)?,
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The job when it has ended; `show` is told how it is meanwhile.
pub(super) async fn ended(
    client: &AdminClient,
    id: &str,
    mut show: impl FnMut(&Value),
) -> Result<Value, CommandError> {
    loop {
        let job = client
            .ask_about(Method::GET, &["jobs", id], &[("wait", WAIT)], None)
            .await?;
        if matches!(job["state"].as_str(), Some("ok" | "dead" | "cancelled") | None) {
            return Ok(job);
        }
        show(&job);
    }
}

fn list(answer: &Value) -> io::Result<()> {
    let mut stdout = stdout();
    for job in answer["jobs"].as_array().into_iter().flatten() {
        writeln!(stdout, "{}", row(job))?;
    }
    let counts = answer["counts"].as_object().into_iter().flatten();
    let counts: Vec<_> = counts
        .filter(|(_, count)| **count != 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    writeln!(
        stdout,
        "{}",
        if counts.is_empty() {
            "no jobs".to_owned()
        } else {
            counts.join(", ")
        }
    )
}

fn line(job: &Value) -> Result<(), CommandError> {
    writeln!(stdout(), "{}", row(job)).map_err(CommandError::from)
}

/// A job in one line: id, state, title, and why it is not done.
pub(super) fn row(job: &Value) -> String {
    let text = |name: &str| job[name].as_str().unwrap_or_default();
    let failure = job["failure"]["text"].as_str().filter(|_| text("state") != "ok");
    let why = failure.map(|failure| format!("  {failure}")).unwrap_or_default();
    format!("{}  {:9}  {}{why}", text("id"), text("state"), text("title"))
}
