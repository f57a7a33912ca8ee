//! `stoa prefetch`.

use std::{
    fs, io,
    io::{Read, Write},
};

use http::Method;
use serde_json::{Value, json};

use super::{
    admin_client::AdminClient,
    jobs::row,
    wait::{Interrupt, ended, left_alone},
};
use crate::{
    cli::ServerCommon, command_error::CommandError, config::Config, progress::Board, setup::runtime,
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
