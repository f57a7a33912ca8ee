//! A job as the API shows it.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value};
use stoa_jobs::{Aggregation, Attempt, Children, Ended, Failure, Job, State, StateName, Timestamp, Wait};
use stoa_proxy::{PREFETCH, PrefetchSpec};

/// A job as the API shows it. What it was told to do is not shown: it may hold secrets.
#[derive(Debug, Serialize)]
pub(super) struct JobView {
    id: String,
    kind: String,
    aggregation: String,
    title: String,
    state: StateName,
    priority: u8,
    submitted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    /// When a job that waits becomes ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<&'static str>,
    /// What keeps it from starting on this server, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    charged: u32,
    max_attempts: u32,
    submitters: usize,
    children: Children,
    /// How many children it will have made in the end, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    expects_children: Option<usize>,
    /// Children that run, with how far they have come, for who asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<Vec<JobView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    attempts: Vec<AttemptView>,
}

#[derive(Debug, Serialize)]
pub(in super::super) struct AttemptView {
    start: String,
    end: String,
    node: String,
    ended: Ended,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    notes: Map<String, Value>,
}

/// As RFC 3339 has it.
pub(in super::super) fn moment(at: Timestamp) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(at.as_millis());
    humantime::format_rfc3339_millis(time).to_string()
}

/// Why it ended, or why its last run did.
pub(in super::super) fn failure_of(job: &Job) -> Option<Failure> {
    match &job.state {
        State::Dead { failure, .. } | State::Cancelled { failure, .. } => Some(failure.clone()),
        _ => job
            .attempts
            .back()
            .and_then(|attempt| attempt.failure.clone())
            .filter(|_| job.result.is_none()),
    }
}

impl JobView {
    pub(super) fn of(job: &Job, progress: Option<Value>) -> Self {
        let (due, waiting_for) = match &job.state {
            State::Scheduled { due, why } => (Some(moment(*due)), Some(wait_name(*why))),
            State::Blocked => (None, Some("children")),
            _ => (None, None),
        };
        let is_prefetch = job.aggregation.kind().as_str() == PREFETCH;
        Self {
            id: job.id.to_string(),
            kind: job.aggregation.kind().to_string(),
            aggregation: job.aggregation.to_string(),
            title: job.title.clone(),
            state: job.state.name(),
            priority: job.priority.get(),
            submitted: moment(job.submitted),
            deadline: job.deadline.map(moment),
            due,
            waiting_reason: None,
            ended: job.state.ended_at().map(moment),
            waiting_for,
            node: job.lease().map(|lease| lease.node.to_string()),
            charged: job.charged,
            max_attempts: job.max_attempts.get(),
            submitters: job.submitters.len(),
            children: job.children,
            expects_children: PrefetchSpec::children(&job.payload).filter(|_| is_prefetch),
            running: None,
            progress: progress.filter(|_| job.lease().is_some()),
            result: job.result.clone(),
            failure: failure_of(job),
            attempts: job.attempts.iter().map(AttemptView::of).collect(),
        }
    }

    /// Shows these children, too.
    pub(super) fn shows(&mut self, running: Vec<Self>) {
        self.running = Some(running);
    }

    /// Says why a job that is ready has not started; `closed` is why none of its kind starts on this server.
    pub(super) fn waits_for(
        &mut self,
        job: &Job,
        aggregation: Option<&Aggregation>,
        closed: Option<&Failure>,
    ) {
        if let (State::Ready { .. }, Some(closed)) = (&job.state, closed) {
            // Disks are the only thing yet that closes a gate.
            self.waiting_for = Some("disk");
            self.waiting_reason = Some(closed.text.to_string());
        } else if let (State::Ready { .. }, Some(aggregation)) = (&job.state, aggregation) {
            self.waiting_for = Some(match &aggregation.settings {
                settings if settings.paused => "paused",
                settings if aggregation.running >= u64::from(settings.concurrency.get()) => "slot",
                settings if settings.rate.is_some() => "rate",
                _ => "worker",
            });
        }
    }
}

impl AttemptView {
    pub(in super::super) fn of(attempt: &Attempt) -> Self {
        Self {
            start: moment(attempt.start),
            end: moment(attempt.end),
            node: attempt.node.to_string(),
            ended: attempt.ended,
            failure: attempt.failure.clone(),
            notes: attempt.notes.clone(),
        }
    }
}

fn wait_name(why: Wait) -> &'static str {
    match why {
        Wait::Delay => "delay",
        Wait::Retry => "retry",
        Wait::Snooze => "snooze",
    }
}
