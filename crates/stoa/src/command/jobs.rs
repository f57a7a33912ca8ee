//! `stoa jobs`.

mod add;
mod list;
mod show;

use std::io::Write;

use http::Method;

use self::{add::add, list::List, show::show};
use super::{
    admin_client::AdminClient,
    job_rows::{outcome, print},
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
        JobsCommand::Add(new) => add(client, server, *new).await,
        JobsCommand::Ls {
            state,
            kind,
            aggregation,
            parent,
            text,
            limit,
            before,
            all,
            json,
        } => {
            let list = List {
                given: [
                    ("state", state),
                    ("kind", kind),
                    ("aggregation", aggregation),
                    ("parent", parent),
                    ("q", text),
                ],
                before,
                limit: (!all).then_some(limit),
                json,
            };
            list.print(client).await
        }
        JobsCommand::Show { id, json } => {
            let job = client.ask(Method::GET, &["jobs", &id], None).await?;
            let mut stdout = stdout();
            if json {
                return writeln!(stdout, "{job:#}").map_err(CommandError::from);
            }
            show(&mut stdout, &job).map_err(CommandError::from)
        }
        JobsCommand::Wait { ids, quiet, json } => {
            let mut interrupt = Interrupt::new()?;
            let Some(jobs) = interrupt.or(ended(client, &ids, Board::new(quiet))).await else {
                return Err(left_alone(ids.iter().map(String::as_str), server));
            };
            outcome(&jobs?, json)
        }
        JobsCommand::Cancel { ids } => each(client, &ids, "cancel").await,
        JobsCommand::Promote { ids } => each(client, &ids, "promote").await,
        JobsCommand::Retry { ids } => each(client, &ids, "retry").await,
    }
}

/// Does something to each job, and fails at the end if it could not be done to one.
async fn each(client: &AdminClient, ids: &[String], action: &str) -> Result<(), CommandError> {
    let mut failed = Vec::new();
    for id in ids {
        match client.ask(Method::POST, &["jobs", id, action], None).await {
            Ok(job) => print(&[job], false)?,
            Err(error) => failed.push(error.text),
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(CommandError::new(failed.join("\n")))
    }
}
