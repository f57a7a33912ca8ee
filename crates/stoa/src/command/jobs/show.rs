//! `stoa jobs show` for people.

use std::io::{self, Write};

use indicatif::HumanBytes;
use serde_json::Value;

use super::super::table;

const COLUMNS: [&str; 8] = [
    "STARTED", "ENDED", "NODE", "OUTCOME", "CLASS", "STATUS", "BYTES", "WHY",
];

/// Prints a job: what there is to know of it, a line each, and its last runs in a table.
pub(super) fn show(to: &mut impl Write, job: &Value) -> io::Result<()> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let named = |name: &str| text(&job[name]);
    let failure = &job["failure"];
    let why = failure["text"].as_str().filter(|_| job["state"] != "ok");
    let why = why.map(|why| format!("{why} ({})", failure["class"].as_str().unwrap_or_default()));
    let lines = [
        ("id", named("id")),
        ("title", named("title")),
        ("state", named("state")),
        ("waits for", named("waiting_for")),
        ("until", named("due")),
        ("runs on", named("node")),
        ("failure", why),
        ("kind", named("kind")),
        ("aggregation", named("aggregation")),
        ("priority", named("priority")),
        ("submitted", named("submitted")),
        ("deadline", named("deadline")),
        ("ended", named("ended")),
        (
            "charged",
            Some(format!("{} of {}", job["charged"], job["max_attempts"])),
        ),
        ("children", children(job)),
        ("progress", progress(&job["progress"])),
        ("result", named("result")),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            writeln!(to, "{name:11}  {value}")?;
        }
    }
    let attempts = job["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    if attempts.is_empty() {
        return Ok(());
    }
    writeln!(to)?;
    let rows: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            let cell = |value: &Value| text(value).unwrap_or_else(|| "-".to_owned());
            let (failure, notes) = (&attempt["failure"], &attempt["notes"]);
            [
                cell(&attempt["start"]),
                cell(&attempt["end"]),
                cell(&attempt["node"]),
                cell(&attempt["ended"]),
                cell(&failure["class"]),
                cell(&notes["status"]),
                cell(&notes["bytes"]),
                cell(&failure["text"]),
            ]
        })
        .collect();
    table::print(to, COLUMNS, &rows)
}

fn children(job: &Value) -> Option<String> {
    let count = |name: &str| job["children"][name].as_u64().unwrap_or(0);
    let (open, ok, failed) = (count("open"), count("ok"), count("failed"));
    (open + ok + failed > 0).then(|| {
        let bytes = Some(count("bytes")).filter(|bytes| *bytes > 0);
        let bytes = bytes.map(|bytes| format!(", {}", HumanBytes(bytes)));
        let bytes = bytes.unwrap_or_default();
        format!("{ok} done, {failed} failed, {open} to go{bytes}")
    })
}

fn progress(progress: &Value) -> Option<String> {
    let bytes = progress["bytes"].as_u64().map(HumanBytes);
    let total = progress["total"].as_u64().map(HumanBytes);
    match (progress["file"].as_str(), bytes, total) {
        (None, None, _) => None,
        (file, None, _) => file.map(str::to_owned),
        (file, Some(bytes), total) => {
            let file = file.map(|file| format!("{file}: ")).unwrap_or_default();
            let total = total.map(|total| format!(" of {total}")).unwrap_or_default();
            Some(format!("{file}{bytes}{total}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_is_shown_with_its_runs() {
        let job = json!({
            "id": "AAAAAAAAAAAAAA", "title": "http://h.example/x", "state": "scheduled", "waiting_for": "retry",
            "due": "2026-01-01T00:00:09.000Z", "kind": "url", "aggregation": "url/h.example", "priority": 5,
            "submitted": "2026-01-01T00:00:00.000Z", "charged": 1, "max_attempts": 3,
            "children": { "open": 0, "ok": 0, "failed": 0 },
            "failure": { "class": "status", "text": "the server answers 503" },
            "attempts": [{
                "start": "2026-01-01T00:00:01.000Z", "end": "2026-01-01T00:00:02.000Z", "node": "n1", "ended": "failed",
                "failure": { "class": "status", "text": "the server answers 503" }, "notes": { "status": 503 },
            }],
        });
        let mut shown = Vec::new();
        show(&mut shown, &job).expect("writes");
        let want = "\
id           AAAAAAAAAAAAAA
title        http://h.example/x
state        scheduled
waits for    retry
until        2026-01-01T00:00:09.000Z
failure      the server answers 503 (status)
kind         url
aggregation  url/h.example
priority     5
submitted    2026-01-01T00:00:00.000Z
charged      1 of 3

STARTED                   ENDED                     NODE  OUTCOME  CLASS   STATUS  BYTES  WHY
2026-01-01T00:00:01.000Z  2026-01-01T00:00:02.000Z  n1    failed   status  503     -      the server answers 503
";
        assert_eq!(String::from_utf8(shown).expect("text"), want);
    }
}
