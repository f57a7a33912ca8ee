//! Removing, making room, and making the index anew.

use std::{io::Write, time::Duration};

use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{super::admin_client::AdminClient, size::size};
use crate::{
    command_error::CommandError,
    terminal::{stderr, stdout},
};

/// How often the server is asked whether it is done.
const LOOK: Duration = Duration::from_millis(300);

fn print(answer: &Value) -> Result<(), CommandError> {
    Ok(writeln!(stdout(), "{answer:#}")?)
}

pub(super) async fn remove(
    client: &AdminClient,
    versions: &[String],
    reason: &str,
    json: bool,
) -> Result<(), CommandError> {
    let body = json!({ "versions": versions, "reason": reason });
    let answer = client.ask(Method::POST, &["storage", "rm"], Some(&body)).await?;
    let nodes = answer["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    if json {
        print(&answer)?;
    } else {
        let files = answer["files"].as_array().map_or(&[][..], Vec::as_slice);
        for file in files {
            writeln!(stdout(), "removed {}", file.as_str().unwrap_or("-"))?;
        }
        let told = nodes.iter().filter(|node| node["error"].is_null()).count();
        writeln!(stderr(), "{} files removed, {told} other nodes told", files.len())?;
    }
    let left: Vec<_> = nodes
        .iter()
        .filter_map(|node| Some((node["node"].as_str()?, node["error"].as_str()?)))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = left
        .iter()
        .map(|(node, error)| format!("{node}: {error}"))
        .collect();
    Err(CommandError::new(format!(
        "not removed there: {}; ask again when they are back, or ask them with --server",
        list.join("; ")
    )))
}

pub(super) async fn gc(client: &AdminClient, dry_run: bool, json: bool) -> Result<(), CommandError> {
    let body = json!({ "dry_run": dry_run });
    let asked = client.ask(Method::POST, &["storage", "gc"], Some(&body)).await?;
    let before = asked["runs"].as_u64().unwrap_or_default();
    let state = loop {
        let state = client.ask(Method::GET, &["storage", "gc"], None).await?;
        // A run of its own may have ended meanwhile, which was not the one that is meant.
        let is_other = state["report"]["dry_run"].as_bool() != Some(dry_run) && state["error"].is_null();
        if state["runs"].as_u64().unwrap_or_default() > before && state["running"] == false && !is_other {
            break state;
        }
        sleep(LOOK).await;
    };
    if let Some(error) = state["error"].as_str() {
        return Err(CommandError::unavailable(error.to_owned()));
    }
    let report = &state["report"];
    if json {
        return print(report);
    }
    let verb = if dry_run { "would remove" } else { "removed" };
    for item in report["removed"].as_array().map_or(&[][..], Vec::as_slice) {
        let text = |name: &str| item[name].as_str().unwrap_or("-");
        writeln!(
            stdout(),
            "{verb} {}@{} ({}, used {})",
            text("module"),
            text("version"),
            size(&item["bytes"]),
            text("used").split('.').next().unwrap_or("-"),
        )?;
    }
    let kept = report["kept"].as_object();
    let kept: Vec<_> = kept
        .into_iter()
        .flatten()
        .map(|(why, count)| format!("{count} {why}"))
        .collect();
    let mut line = format!(
        "{verb} {} versions: {} -> {}",
        report["versions"],
        size(&report["bytes_before"]),
        size(&report["bytes_after"])
    );
    if !kept.is_empty() {
        line = format!("{line}; kept: {}", kept.join(", "));
    }
    if let Some(stopped) = report["stopped"].as_str() {
        line = format!("{line}; stopped: {stopped}");
    }
    Ok(writeln!(stderr(), "{line}")?)
}

pub(super) async fn reindex(client: &AdminClient, detach: bool, json: bool) -> Result<(), CommandError> {
    let asked = client.ask(Method::POST, &["storage", "reindex"], None).await?;
    // One that runs already may have passed over what is meant.
    let runs = |view: &Value| view["runs"].as_u64().unwrap_or_default();
    let wanted = runs(&asked) + 1 + u64::from(!asked["rebuilding_since"].is_null());
    if detach {
        return if json {
            print(&asked)
        } else {
            Ok(writeln!(stderr(), "it is being made anew")?)
        };
    }
    loop {
        let state = client.ask(Method::GET, &["storage"], None).await?;
        let index = &state["index"];
        if runs(index) >= wanted && index["rebuilding_since"].is_null() {
            if json {
                return print(&state);
            }
            let line = format!(
                "{} modules, {} versions, {} files, {}",
                state["modules"],
                state["versions"],
                state["files"],
                size(&state["bytes"])
            );
            return Ok(writeln!(stdout(), "{line}")?);
        }
        if let Some(error) = index["error"].as_str() {
            return Err(CommandError::unavailable(format!(
                "{error}; the server goes on trying"
            )));
        }
        sleep(LOOK).await;
    }
}
