//! What is counted of durable jobs.

mod gauges;
mod tally;
mod words;

use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Map, Value};
use stoa_jobs::{
    Ended, Event, Job, JobId, Observer, Outcome, StoreError,
    callback::{CallbackPayload, KafkaPayload},
    download::{DownloadSpec, PurgePayload},
};
use stoa_telemetry::{Counter, EncodeLabelSet, Family, Histogram, Part, exponential_buckets};

pub use self::gauges::JobGauges;
use self::{tally::Tally, words::Words};

/// How many classes of failures are told apart, and how many kinds of jobs.
const MAX_CLASSES: usize = 64;
const MAX_KINDS: usize = 16;

/// Counts what happens to jobs on this node, for Prometheus and for `/stats`.
///
/// No label grows without bound: classes and kinds are words of handlers, and beyond so many of them the rest
/// is `other`. Aggregations are no label, because whoever submits a job names one.
#[derive(Debug)]
pub struct JobMetrics {
    transitions: Family<Transition, Counter>,
    runs: Family<OfRun, Histogram>,
    starts: Family<OfKind, Histogram>,
    attempts: Family<OfKind, Histogram>,
    bytes: Family<Direction, Counter>,
    leases_expired: Counter,
    recovered: Counter,
    refused: Counter,
    interrupted: Family<Why, Counter>,
    callbacks: Family<Delivery, Counter>,
    callback_lag: Histogram,
    store_latency: Family<Operation, Histogram>,
    store_failures: Family<Operation, Counter>,
    classes: Words,
    kinds: Words,
    downloads: Mutex<Tally>,
    notices: Mutex<Tally>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Transition {
    to: &'static str,
    class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRun {
    kind: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    dir: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    backend: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    op: &'static str,
}

/// From 5 ms to 20 minutes.
fn of_runs() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 4.0, 10))
}

/// From 1 ms to an hour.
fn of_starts() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 12))
}

fn of_attempts() -> Histogram {
    Histogram::new([1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0])
}

/// From 100 us to 6 s.
fn of_the_store() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 4.0, 9))
}

impl JobMetrics {
    /// Registers the metrics in `part`.
    pub fn new(part: &Part) -> Self {
        let lag = "Seconds from the end of a job to the delivery of its callback";
        Self {
            transitions: part.counters(
                "job_transitions",
                "Jobs that came into a state, on all nodes of the store, by the class of the failure",
            ),
            runs: part.histograms("job_run_seconds", "Seconds of runs, by outcome", of_runs),
            starts: part.histograms(
                "job_start_delay_seconds",
                "Seconds from the submission of a job to its first run",
                of_starts,
            ),
            attempts: part.histograms(
                "job_attempts",
                "Runs that were charged to a job when it ended",
                of_attempts,
            ),
            bytes: part.counters("job_bytes", "Bytes of downloads"),
            leases_expired: part.counter(
                "leases_expired",
                "Leases that this node ended because nothing was heard of theirs",
            ),
            recovered: part.counter(
                "jobs_recovered",
                "Runs that began here after the last one had been lost",
            ),
            refused: part.counter(
                "job_results_refused",
                "Runs whose leases had ended before their results came",
            ),
            interrupted: part.counters(
                "job_interrupted",
                "Runs that stopped for a reason of ours, by its class",
            ),
            callbacks: part.counters("callbacks", "Attempts to deliver a callback"),
            // From 10 ms to three hours.
            callback_lag: part.histogram("callback_lag_seconds", lag, exponential_buckets(0.01, 4.0, 11)),
            store_latency: part.histograms(
                "store_latency_seconds",
                "Seconds that the job store takes",
                of_the_store,
            ),
            store_failures: part.counters("store_failures", "Questions that the job store did not answer"),
            classes: Words::new(MAX_CLASSES),
            kinds: Words::new(MAX_KINDS),
            downloads: Mutex::default(),
            notices: Mutex::default(),
        }
    }

    /// What `/stats/processor` shows.
    pub(crate) fn processor(&self) -> Value {
        self.downloads.lock().processor()
    }

    /// What `/stats/notifier` shows.
    pub(crate) fn notifier(&self) -> Value {
        self.notices.lock().notifier()
    }

    fn kind(&self, job: &Job) -> OfKind {
        let kind = self.kinds.bounded(job.aggregation.kind().as_str());
        OfKind { kind }
    }

    fn tally(&self, job: &Job) -> Option<&Mutex<Tally>> {
        match job.aggregation.kind().as_str() {
            DownloadSpec::KIND => Some(&self.downloads),
            CallbackPayload::KIND | KafkaPayload::KIND => Some(&self.notices),
            _ => None,
        }
    }

    fn delivery(&self, job: &Job, outcome: &Outcome, time: Duration) {
        let result = match outcome {
            Outcome::Ok(_) => "delivered",
            _ if is_last(job, outcome) => "dead",
            Outcome::Cancelled(_) | Outcome::Interrupted(_) => "stopped",
            _ => "failed",
        };
        let backend = match job.aggregation.kind().as_str() {
            KafkaPayload::KIND => "kafka",
            _ => "http",
        };
        self.callbacks.get_or_create(&Delivery { backend, result }).inc();
        if let (Outcome::Ok(_), Some(lease)) = (outcome, job.lease()) {
            // A callback is submitted together with the end that it tells.
            let lag = lease.since.since(job.submitted) + time;
            self.callback_lag.observe(lag.as_secs_f64());
        }
    }
}

/// The name of an outcome.
fn name_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Retry { .. } => "retry",
        Outcome::Snooze { .. } => "snooze",
        Outcome::Dead(_) => "dead",
        Outcome::Cancelled(_) => "cancelled",
        Outcome::Interrupted(_) => "interrupted",
        Outcome::Spawn { .. } => "spawn",
    }
}

/// Whether the job has no more runs because this one failed.
fn is_last(job: &Job, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Dead(_) => true,
        Outcome::Retry { .. } => job.charged + 1 >= job.max_attempts.get(),
        _ => false,
    }
}

impl Observer for JobMetrics {
    fn starts(&self, job: &Job) {
        match job.attempts.back() {
            None => {
                if let Some(lease) = job.lease() {
                    let waited = lease.since.since(job.submitted).as_secs_f64();
                    self.starts.get_or_create(&self.kind(job)).observe(waited);
                }
            }
            Some(attempt) if attempt.ended == Ended::Lost => {
                self.recovered.inc();
            }
            Some(_) => {}
        }
        if let Some(tally) = self.tally(job) {
            tally.lock().starts(&job.aggregation);
        }
    }

    fn ran(&self, job: &Job, outcome: &Outcome, time: Duration) {
        let labels = OfRun {
            kind: self.kind(job).kind,
            outcome: name_of(outcome),
        };
        self.runs.get_or_create(&labels).observe(time.as_secs_f64());
    }

    fn stored(&self, job: &Job, outcome: &Outcome, notes: &Map<String, Value>, time: Duration) {
        if matches!(outcome, Outcome::Ok(_)) || is_last(job, outcome) {
            let charged = f64::from(job.charged + 1);
            self.attempts.get_or_create(&self.kind(job)).observe(charged);
        }
        if let Outcome::Interrupted(failure) = outcome {
            let why = self.classes.bounded(&failure.class);
            self.interrupted.get_or_create(&Why { why }).inc();
        }
        match job.aggregation.kind().as_str() {
            DownloadSpec::KIND => {
                let received = notes.get("bytes").and_then(Value::as_u64).unwrap_or_default();
                let dir = "in";
                self.bytes.get_or_create(&Direction { dir }).inc_by(received);
                self.downloads.lock().download(outcome, notes);
            }
            PurgePayload::KIND => self.downloads.lock().purge(outcome),
            CallbackPayload::KIND | KafkaPayload::KIND => {
                self.delivery(job, outcome, time);
                self.notices.lock().callback(outcome);
            }
            _ => {}
        }
    }

    fn stale(&self, _job: &Job) {
        self.refused.inc();
    }

    fn ends(&self, job: &Job) {
        if let Some(tally) = self.tally(job) {
            tally.lock().ends(&job.aggregation);
        }
    }

    fn recovered(&self, jobs: &[JobId]) {
        self.leases_expired.inc_by(jobs.len() as u64);
    }

    fn store_failed(&self, _error: &StoreError) {}

    fn happened(&self, event: &Event) {
        let class = event
            .class
            .as_ref()
            .map_or_else(String::new, |class| self.classes.bounded(class));
        let to = event.to.as_str();
        self.transitions.get_or_create(&Transition { to, class }).inc();
    }

    fn asked(&self, operation: &'static str, time: Duration, is_done: bool) {
        let labels = Operation { op: operation };
        self.store_latency
            .get_or_create(&labels)
            .observe(time.as_secs_f64());
        if !is_done {
            self.store_failures.get_or_create(&labels).inc();
        }
    }
}

#[cfg(test)]
mod tests;
