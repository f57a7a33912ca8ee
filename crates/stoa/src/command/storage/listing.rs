//! What is stored.

use std::{cmp::Reverse, collections::BinaryHeap, io::Write};

use http::Method;
use serde_json::{Value, json};

use super::{
    super::{admin_client::AdminClient, table},
    size::size,
};
use crate::{
    command_error::CommandError,
    terminal::{stderr, stdout},
};

/// Rows of a page, as many as the server gives at most.
const PAGE: &str = "1000";

/// Lists versions, a page at a time, so that a large storage is shown from the first second on.
pub(super) async fn list(client: &AdminClient, prefix: &str, json: bool) -> Result<(), CommandError> {
    let which = match prefix.strip_suffix('@') {
        Some(module) => ("module", module),
        None => ("prefix", prefix),
    };
    let mut after: Option<String> = None;
    let mut versions = 0_u64;
    let mut bytes = 0;
    loop {
        let mut query = vec![which, ("limit", PAGE)];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let answer = client
            .ask_about(Method::GET, &["storage", "versions"], &query, None)
            .await?;
        let rows = answer["versions"].as_array().map_or(&[][..], Vec::as_slice);
        versions += rows.len() as u64;
        bytes += rows.iter().filter_map(|row| row["bytes"].as_u64()).sum::<u64>();
        if json {
            for row in rows {
                writeln!(stdout(), "{row}")?;
            }
        } else if !rows.is_empty() {
            let cells: Vec<_> = rows.iter().map(row).collect();
            table::print(
                &mut stdout(),
                ["VERSION", "FILES", "SIZE", "LAST USE", "ORIGIN", "VERIFIED BY"],
                &cells,
            )?;
        }
        after = answer["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    if !json {
        writeln!(stderr(), "{versions} versions, {}", size(&json!(bytes)))?;
    }
    Ok(())
}

fn row(row: &Value) -> [String; 6] {
    let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
    let files = ["info", "mod", "zip"]
        .into_iter()
        .filter(|name| row[*name].is_u64());
    // To the second: nobody wants to know it finer.
    let last_use = row["last_use"].as_str().unwrap_or("-");
    let last_use = last_use.split('.').next().unwrap_or("-").replace('T', " ");
    [
        format!("{}@{}", text("module"), text("version")),
        files.collect::<Vec<_>>().join(","),
        size(&row["bytes"]),
        last_use,
        text("origin"),
        text("verified_by"),
    ]
}

/// Shows the largest modules, and all in all.
pub(super) async fn usage(
    client: &AdminClient,
    prefix: &str,
    top: usize,
    json: bool,
) -> Result<(), CommandError> {
    let mut after: Option<String> = None;
    let mut largest = BinaryHeap::new();
    let (mut modules, mut versions, mut bytes) = (0_u64, 0_u64, 0_u64);
    loop {
        let mut query = vec![("prefix", prefix), ("limit", PAGE)];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let answer = client
            .ask_about(Method::GET, &["storage", "modules"], &query, None)
            .await?;
        for row in answer["modules"].as_array().map_or(&[][..], Vec::as_slice) {
            let number = |name: &str| row[name].as_u64().unwrap_or_default();
            modules += 1;
            versions += number("versions");
            bytes += number("bytes");
            let module = row["module"].as_str().unwrap_or("-").to_owned();
            largest.push(Reverse((number("bytes"), Reverse(module), number("versions"))));
            if largest.len() > top {
                largest.pop();
            }
        }
        after = answer["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    let largest = largest.into_sorted_vec();
    if json {
        let rows: Vec<_> = largest
            .iter()
            .map(|Reverse((bytes, Reverse(module), versions))| json!({ "module": module, "versions": versions, "bytes": bytes }))
            .collect();
        let answer = json!({ "modules": modules, "versions": versions, "bytes": bytes, "largest": rows });
        return Ok(writeln!(stdout(), "{answer:#}")?);
    }
    let cells: Vec<_> = largest
        .iter()
        .map(|Reverse((bytes, Reverse(module), versions))| {
            [size(&json!(bytes)), versions.to_string(), module.clone()]
        })
        .collect();
    table::print(&mut stdout(), ["SIZE", "VERSIONS", "MODULE"], &cells)?;
    Ok(writeln!(
        stderr(),
        "{modules} modules, {versions} versions, {}",
        size(&json!(bytes))
    )?)
}
