//! `stoa jobs`.

use std::io::{self, Write};

use http::Method;
use serde_json::Value;

use super::{
    admin_client::AdminClient,
    wait::{Interrupt, ended, left_alone},
};
use crate::{
    cli::{JobsCommand, ServerCommon},
    command_error::CommandError,
    config::Config,
    progress::Board,
    setup::runtime,
    terminal::stdout,
};

pub(super) fn run(config: &Config, server: &ServerCommon, command: JobsCommand) -> Result<(), CommandError> {
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        jobs(&client, server, command).await
    })
}

async fn jobs(client: &AdminClient, server: &ServerCommon, command: JobsCommand) -> Result<(), CommandError> {
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
        JobsCommand::Wait { ids, quiet } => {
            let mut interrupt = Interrupt::new()?;
            let Some(jobs) = interrupt.or(ended(client, &ids, Board::new(quiet))).await else {
                return Err(left_alone(ids.iter().map(String::as_str), server));
            };
            outcome(&jobs?)
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

/// Prints jobs that have ended, and fails if one is not done.
fn outcome(jobs: &[Value]) -> Result<(), CommandError> {
    for job in jobs {
        line(job)?;
    }
    if jobs.iter().all(|job| job["state"] == "ok") {
        Ok(())
    } else {
        Err(CommandError::already_printed())
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
