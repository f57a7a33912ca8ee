//! `stoa jobs ls`.

use std::io::Write;

use http::Method;
use serde_json::Value;

use super::super::{admin_client::AdminClient, job_rows::row};
use crate::{command_error::CommandError, terminal::stdout};

/// How many jobs of all are asked for at a time.
const PAGE: usize = 500;

/// Which jobs are listed, and how.
#[derive(Debug)]
pub(super) struct List {
    /// What the query string says of them.
    pub(super) given: [(&'static str, Option<String>); 5],
    /// Where the page before ended.
    pub(super) before: Option<u64>,
    /// How many; all of them if nothing is said.
    pub(super) limit: Option<usize>,
    pub(super) json: bool,
}

impl List {
    /// Prints them, the latest first, and then how many there are in each state.
    pub(super) async fn print(self, client: &AdminClient) -> Result<(), CommandError> {
        let mut before = self.before.map(|before| before.to_string());
        loop {
            let answer = self.page(client, before.as_deref()).await?;
            let next = answer["next"].as_str().map(str::to_owned);
            let jobs = answer["jobs"].as_array().map_or(&[][..], Vec::as_slice);
            let mut stdout = stdout();
            if self.json && self.limit.is_some() {
                return writeln!(stdout, "{answer:#}").map_err(CommandError::from);
            }
            for job in jobs {
                if self.json {
                    writeln!(stdout, "{job}")?;
                } else {
                    writeln!(stdout, "{}", row(job))?;
                }
            }
            if self.limit.is_none() && next.is_some() && next != before {
                before = next;
                continue;
            }
            if !self.json {
                if let Some(next) = &next {
                    writeln!(stdout, "more: --before {next}")?;
                }
                writeln!(stdout, "{}", counts(&answer))?;
            }
            return Ok(());
        }
    }

    async fn page(&self, client: &AdminClient, before: Option<&str>) -> Result<Value, CommandError> {
        let limit = self.limit.unwrap_or(PAGE).to_string();
        let given = self.given.iter();
        let given = given.filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let query: Vec<_> = given
            .chain(before.map(|before| ("before", before)))
            .chain([("limit", limit.as_str())])
            .collect();
        client.ask_about(Method::GET, &["jobs"], &query, None).await
    }
}

/// How many jobs there are in each state.
fn counts(answer: &Value) -> String {
    let counts = answer["counts"].as_object().into_iter().flatten();
    let counts: Vec<_> = counts
        .filter(|(_, count)| **count != 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    if counts.is_empty() {
        "no jobs".to_owned()
    } else {
        counts.join(", ")
    }
}
