//! `stoa prefetch`.

use std::{
    io::{self, Write},
    path::Path,
};

use http::Method;
use serde_json::{Value, json};

use super::{
    admin_client::AdminClient,
    job_rows::row,
    text_file,
    wait::{Interrupt, ended, left_alone},
};
use crate::{
    cli::ServerCommon, command_error::CommandError, config::Config, progress::Board, setup::runtime,
    terminal::stdout,
};

/// How many children that failed are shown.
const SHOWN: &str = "100";

pub(super) fn run(
    config: &Config,
    server: &ServerCommon,
    wanted: &[String],
    detach: bool,
    quiet: bool,
) -> Result<(), CommandError> {
    let submissions = wanted
        .iter()
        .map(|wanted| submission(wanted))
        .collect::<Result<Vec<_>, _>>()?;
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        let board = (!detach).then(|| Board::new(quiet));
        prefetch(&client, server, submissions, board).await
    })
}

/// A file that is there, standard input, or else a module.
fn submission(wanted: &str) -> Result<Value, CommandError> {
    let text = match text_file::read(Path::new(wanted)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(CommandError::new(format!("{wanted}: {error}"))),
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

async fn prefetch(
    client: &AdminClient,
    server: &ServerCommon,
    submissions: Vec<Value>,
    board: Option<Board>,
) -> Result<(), CommandError> {
    let mut interrupt = Interrupt::new()?;
    let mut ids = Vec::new();
    for submission in &submissions {
        let job = client.ask(Method::POST, &["jobs"], Some(submission)).await?;
        if board.is_none() {
            writeln!(stdout(), "{}", row(&job))?;
        }
        ids.push(job["id"].as_str().unwrap_or_default().to_owned());
        if interrupt.is_pressed() {
            return Err(left_alone(ids.iter().map(String::as_str), server));
        }
    }
    let Some(board) = board else { return Ok(()) };
    let Some(jobs) = interrupt.or(ended(client, &ids, board)).await else {
        return Err(left_alone(ids.iter().map(String::as_str), server));
    };
    let mut failed = false;
    for job in &jobs? {
        writeln!(stdout(), "{}", row(job))?;
        if job["state"] != "ok" {
            failed = true;
            let id = job["id"].as_str().unwrap_or_default();
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
