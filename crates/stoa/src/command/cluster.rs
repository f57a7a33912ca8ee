//! `stoa cluster`.

use std::io::Write;

use http::Method;
use serde_json::Value;

use super::{admin_client::AdminClient, table};
use crate::{
    cli::{ClusterCommand, ServerCommon},
    command_error::CommandError,
    config::Config,
    setup::runtime,
    terminal::{stderr, stdout},
};

const COLUMNS: [&str; 6] = ["NODE", "ADDRESS", "STATE", "REACHED", "WEIGHT", "VERSION"];

pub(super) fn run(
    config: &Config,
    server: &ServerCommon,
    command: ClusterCommand,
) -> Result<(), CommandError> {
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        cluster(&client, command).await
    })
}

async fn cluster(client: &AdminClient, command: ClusterCommand) -> Result<(), CommandError> {
    match command {
        ClusterCommand::Ls { json } => {
            let answer = client.ask(Method::GET, &["cluster"], None).await?;
            if json {
                return print(&answer);
            }
            let nodes = answer["nodes"].as_array().map_or(&[][..], Vec::as_slice);
            let rows: Vec<_> = nodes.iter().map(row).collect();
            table::print(&mut stdout(), COLUMNS, &rows)?;
            for node in nodes {
                if let Some(trouble) = node["trouble"].as_str() {
                    let id = node["id"].as_str().unwrap_or("-");
                    writeln!(stderr(), "{id} is not reached: {trouble}")?;
                }
            }
            Ok(writeln!(stderr(), "{}", summary(&answer))?)
        }
        ClusterCommand::Owner { key, json } => {
            let path = ["cluster", "owner"];
            let answer = client
                .ask_about(Method::GET, &path, &[("key", &key)], None)
                .await?;
            if json {
                return print(&answer);
            }
            let owner = answer["owner"].as_str();
            writeln!(stdout(), "{}", owner.unwrap_or("-"))?;
            match (owner, answer["meanwhile"].as_str()) {
                (None, _) => writeln!(
                    stderr(),
                    "no node is ready: each does by itself what it is asked for"
                )?,
                (Some(owner), Some(meanwhile)) => {
                    writeln!(stderr(), "{owner} is not reached: {meanwhile} does it meanwhile")?;
                }
                (Some(_), None) => {}
            }
            Ok(())
        }
        ClusterCommand::Drain { node, off, json } => {
            let method = if off { Method::DELETE } else { Method::POST };
            let path = ["cluster", "nodes", &node, "drain"];
            let answer = client.ask(method, &path, None).await?;
            if json {
                return print(&answer);
            }
            let now = if off { "ready" } else { "draining" };
            writeln!(stdout(), "{node} is {now}")?;
            if answer["others_told"].as_bool() == Some(false) {
                writeln!(
                    stderr(),
                    "the others learn of it when the registry answers again, and before that when they ask {node}"
                )?;
            }
            Ok(())
        }
    }
}

fn print(answer: &Value) -> Result<(), CommandError> {
    Ok(writeln!(stdout(), "{answer:#}")?)
}

/// Who tells it, and how well it is known.
fn summary(answer: &Value) -> String {
    let text = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
    let node = text("node");
    if text("standing") == "alone" {
        return format!("{node} is by itself: there is no registry (registry.backend)");
    }
    let age = answer["age_seconds"].as_f64().unwrap_or_default();
    let mut line = format!(
        "as {node} ({}) sees them: {}, {age:.0} s old, of {}",
        text("standing"),
        text("source"),
        text("registry")
    );
    if let Some(error) = answer["error"].as_str() {
        line = format!("{line}; {error}");
    }
    let nodes = answer["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    if nodes.iter().any(|node| node["state"] == "unseen") {
        line = format!("{line}; the others do not see {node}");
    }
    line
}

fn row(node: &Value) -> [String; 6] {
    let text = |name: &str| {
        node[name]
            .as_str()
            .filter(|text| !text.is_empty())
            .unwrap_or("-")
            .to_owned()
    };
    [
        text("id"),
        text("address"),
        text("state"),
        text("reached"),
        node["weight"].to_string(),
        text("version"),
    ]
}
