//! How far jobs have come.

use indicatif::HumanBytes;
use serde_json::Value;
use stoa_telemetry::visible;

/// A file that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// The job that brings it.
    pub(crate) id: String,
    /// What people call it. No character of it steers a terminal.
    pub(crate) title: String,
    /// How many bytes have come.
    pub(crate) bytes: u64,
    /// How many there will be, where that is known.
    pub(crate) total: Option<u64>,
}

/// How far a job has come, or several: a job with children counts its children, any other one itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    /// How many there are, as far as that is known.
    pub(crate) all: u64,
    /// How many bytes have come, those of running transfers included.
    pub(crate) bytes: u64,
    /// What runs, the earliest first.
    pub(crate) running: Vec<Transfer>,
}

impl Transfer {
    fn of(job: &Value) -> Self {
        let text = |name: &str| job[name].as_str().unwrap_or_default();
        Self {
            id: text("id").to_owned(),
            title: visible(text("title")).into_owned(),
            bytes: job["progress"]["bytes"].as_u64().unwrap_or(0),
            total: job["progress"]["total"].as_u64(),
        }
    }
}

impl Standing {
    /// A job of which nothing is known yet.
    pub(crate) fn unknown() -> Self {
        Self {
            all: 1,
            ..Self::default()
        }
    }

    /// A job as the API tells it.
    pub(crate) fn of(job: &Value) -> Self {
        let count = |name: &str| job["children"][name].as_u64().unwrap_or(0);
        let children = count("open") + count("ok") + count("failed");
        let expected = job["expects_children"].as_u64();
        if children == 0 && expected.is_none() {
            return Self::of_one(job);
        }
        let running = job["running"].as_array().into_iter().flatten();
        let running: Vec<_> = running.map(Transfer::of).collect();
        Self {
            done: count("ok"),
            failed: count("failed"),
            all: children.max(expected.unwrap_or(0)),
            bytes: running
                .iter()
                .fold(count("bytes"), |sum, transfer| sum.saturating_add(transfer.bytes)),
            running,
        }
    }

    fn of_one(job: &Value) -> Self {
        let state = job["state"].as_str().unwrap_or_default();
        let running: Vec<_> = (state == "running")
            .then(|| Transfer::of(job))
            .into_iter()
            .collect();
        let brought = job["result"]["bytes"].as_u64().unwrap_or(0);
        Self {
            done: (state == "ok").into(),
            failed: matches!(state, "dead" | "cancelled").into(),
            all: 1,
            bytes: running.first().map_or(brought, |transfer| transfer.bytes),
            running,
        }
    }

    /// Several jobs together.
    pub(crate) fn sum<'a>(standings: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for standing in standings {
            sum.done += standing.done;
            sum.failed += standing.failed;
            sum.all += standing.all;
            sum.bytes = sum.bytes.saturating_add(standing.bytes);
            sum.running.extend_from_slice(&standing.running);
        }
        sum
    }

    /// How many have ended, well or not.
    pub(crate) fn ended(&self) -> u64 {
        self.done + self.failed
    }

    /// What there is to be done and how much of it is: bytes of a single file whose length is known, or else files.
    pub(crate) fn parts(&self) -> (u64, u64) {
        match (self.all, self.running.as_slice()) {
            (1, [transfer]) if transfer.total.is_some() => {
                (transfer.bytes, transfer.total.unwrap_or_default())
            }
            _ => (self.ended(), self.all),
        }
    }

    /// The counts in words.
    pub(crate) fn counts(&self) -> String {
        if let (1, [transfer]) = (self.all, self.running.as_slice()) {
            let total = transfer.total.map(|total| format!(" of {}", HumanBytes(total)));
            return format!("{}{}", HumanBytes(self.bytes), total.unwrap_or_default());
        }
        let mut parts = vec![format!("{} of {} done", self.done, self.all)];
        parts.extend((self.failed > 0).then(|| format!("{} failed", self.failed)));
        parts.extend((self.bytes > 0).then(|| HumanBytes(self.bytes).to_string()));
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_with_children_counts_them_and_their_bytes() {
        let running = json!([
            { "id": "a", "title": "a\u{1b}[2J", "progress": { "bytes": 5, "total": 10 } },
            { "id": "b", "title": "b", "progress": { "file": "info" } },
        ]);
        let standing = Standing::of(&json!({
            "state": "blocked", "expects_children": 1200, "running": running,
            "children": { "open": 990, "ok": 8, "failed": 2, "bytes": 100 },
        }));
        assert_eq!(
            (standing.done, standing.failed, standing.all, standing.bytes),
            (8, 2, 1200, 105)
        );
        assert_eq!(standing.counts(), "8 of 1200 done, 2 failed, 105 B");
        assert_eq!(standing.running[0].title, "a\\u001b[2J", "it steers no terminal");
        assert_eq!((standing.running[1].bytes, standing.running[1].total), (0, None));
    }

    #[test]
    fn a_job_without_children_counts_itself() {
        let children = json!({ "open": 0, "ok": 0, "failed": 0 });
        let of = |state: &str| {
            let progress = json!({ "bytes": 512, "total": 2048 });
            Standing::of(
                &json!({ "state": state, "children": children, "progress": progress, "result": { "bytes": 7 } }),
            )
        };
        assert_eq!(of("running").counts(), "512 B of 2.00 KiB");
        assert_eq!((of("running").parts(), of("ok").parts()), ((512, 2048), (1, 1)));
        assert_eq!(of("ok").counts(), "1 of 1 done, 7 B");
        let sum = Standing::sum(&[of("running"), of("dead"), Standing::unknown()]);
        assert_eq!((sum.ended(), sum.all, sum.running.len()), (1, 3, 1));
    }
}
