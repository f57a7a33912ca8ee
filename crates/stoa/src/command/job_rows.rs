//! Jobs in rows.

use std::io::Write;

use serde_json::{Value, json};

use crate::{command_error::CommandError, terminal::stdout};

/// A job in one line: id, state, title, and why it is not done.
pub(super) fn row(job: &Value) -> String {
    let text = |name: &str| job[name].as_str().unwrap_or_default();
    let failure = job["failure"]["text"].as_str().filter(|_| text("state") != "ok");
    let why = failure.map(|failure| format!("  {failure}")).unwrap_or_default();
    // A title is somebody else's text, and must not look like further rows.
    let title = text("title").replace(['\r', '\n'], " ");
    let why = why.replace(['\r', '\n'], " ");
    format!("{}  {:9}  {title}{why}", text("id"), text("state"))
}

/// Prints jobs, as rows or as JSON.
pub(super) fn print(jobs: &[Value], as_json: bool) -> Result<(), CommandError> {
    let mut stdout = stdout();
    if as_json {
        return writeln!(stdout, "{:#}", json!({ "jobs": jobs })).map_err(CommandError::from);
    }
    for job in jobs {
        writeln!(stdout, "{}", row(job))?;
    }
    Ok(())
}

/// Prints jobs that have ended, and fails if one is not done.
pub(super) fn outcome(jobs: &[Value], json: bool) -> Result<(), CommandError> {
    print(jobs, json)?;
    if jobs.iter().all(|job| job["state"] == "ok") {
        Ok(())
    } else {
        Err(CommandError::already_printed())
    }
}
