//! `stoa lanes`.

use std::{io::Write, path::Path};

use http::Method;
use serde_json::{Map, Value, json};

use super::{admin_client::AdminClient, table};
use crate::{
    cli::LanesCommand, command_error::CommandError, config::Config, setup::runtime, terminal::stdout,
};

const COLUMNS: [&str; 10] = [
    "LANE",
    "RUNNING",
    "WAITING",
    "LIMIT",
    "RATE",
    "BREAKER",
    "OK",
    "REFUSED",
    "FAILED",
    "LAST FAILURE",
];

pub(super) fn run(
    config: &Config,
    server: Option<&str>,
    token_file: Option<&Path>,
    command: LanesCommand,
) -> Result<(), CommandError> {
    let client = |config| AdminClient::new(config, server, token_file);
    runtime(config)?.block_on(async { lanes(&client(config)?, command).await })
}

async fn lanes(client: &AdminClient, command: LanesCommand) -> Result<(), CommandError> {
    let (answer, json) = match command {
        LanesCommand::Ls { json } => (client.ask(Method::GET, &["lanes"], None).await?, json),
        LanesCommand::Set {
            host,
            changes,
            lasting,
            json,
        } => {
            let change = parse(&changes, lasting)?;
            (
                client.ask(Method::PUT, &["lanes", &host], Some(&change)).await?,
                json,
            )
        }
        LanesCommand::Open { host, lasting, json } => {
            let change = parse(&["breaker=forced_open".to_owned()], lasting)?;
            (
                client.ask(Method::PUT, &["lanes", &host], Some(&change)).await?,
                json,
            )
        }
        LanesCommand::Close { host, json } => {
            let change = parse(&["breaker=active".to_owned()], None)?;
            (
                client.ask(Method::PUT, &["lanes", &host], Some(&change)).await?,
                json,
            )
        }
        LanesCommand::Reset { host, json } => {
            (client.ask(Method::DELETE, &["lanes", &host], None).await?, json)
        }
    };
    if json {
        let mut stdout = stdout();
        return writeln!(stdout, "{answer:#}").map_err(CommandError::from);
    }
    let one = [answer.clone()];
    let rows = answer["lanes"].as_array().map_or(&one[..], Vec::as_slice);
    let rows: Vec<_> = rows.iter().map(row).collect();
    table::print(&mut stdout(), COLUMNS, &rows).map_err(CommandError::from)
}

/// `rate=5/s` and the like, as the API takes it. The values are the server's to judge.
fn parse(changes: &[String], lasting: Option<String>) -> Result<Value, CommandError> {
    let mut change = Map::new();
    for text in changes {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| CommandError::new(format!("{text:?}: write NAME=VALUE, such as rate=5/s")))?;
        let number = value.parse::<u32>().ok();
        let value = number.map_or_else(|| json!(value), |number| json!(number));
        change.insert(name.to_owned(), value);
    }
    if let Some(lasting) = lasting {
        change.insert("for".to_owned(), json!(lasting));
    }
    Ok(change.into())
}

fn row(lane: &Value) -> [String; 10] {
    let text = |name: &str| match &lane[name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let mode = text("breaker_mode");
    let breaker = match (mode.as_str(), lane["breaker_open_seconds"].as_f64()) {
        ("forced_open" | "disabled", _) => mode,
        (_, Some(left)) => format!("open {left:.0}s"),
        ("observe", None) => format!("{} (observe)", text("breaker")),
        (_, None) => text("breaker"),
    };
    let count = |name: &str| lane["counts"][name].to_string();
    let failure = text("last_failure");
    [
        text("lane"),
        text("running"),
        text("waiting"),
        text("limit"),
        text("rate"),
        breaker,
        count("succeeded"),
        count("refused"),
        count("failed"),
        failure.chars().take(60).collect(),
    ]
}
