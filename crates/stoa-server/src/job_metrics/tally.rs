//! The counts that skroutz/downloader shows under `/stats`.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use stoa_jobs::{AggregationKey, Failure, Outcome};

/// What happened to jobs of one kind since the start of this process, as the origin counts it.
///
/// A worker of the origin is a run here, and a pool of workers an aggregation of which something runs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    running: HashMap<AggregationKey, usize>,
    workers: usize,
    max_workers: usize,
    max_pools: usize,
    spawned_workers: u64,
    spawned_pools: u64,
    done: u64,
    failures: u64,
    unreadable: u64,
    unknown_topics: u64,
    invalid_proxies: u64,
    purged: u64,
    purges_failed: u64,
    /// By the last part of their names: a status, or what was wrong.
    responses: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn starts(&mut self, key: &AggregationKey) {
        let running = self.running.entry(key.clone()).or_default();
        *running += 1;
        self.spawned_pools += u64::from(*running == 1);
        self.spawned_workers += 1;
        self.workers += 1;
        self.max_workers = self.max_workers.max(self.workers);
        self.max_pools = self.max_pools.max(self.running.len());
    }

    pub(super) fn ends(&mut self, key: &AggregationKey) {
        if let Some(running) = self.running.get_mut(key) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(key);
            }
            self.workers = self.workers.saturating_sub(1);
        }
    }

    /// A download has come to its outcome.
    pub(super) fn download(&mut self, outcome: &Outcome, notes: &Map<String, Value>) {
        if let Some(status) = notes.get("status").and_then(Value::as_u64) {
            self.response(&status.to_string());
        }
        let Some(failure) = failure(outcome) else {
            return;
        };
        self.failures += 1;
        match &*failure.class {
            "proxy" => self.invalid_proxies += 1,
            "tls" => self.response("tls"),
            "type" => self.response("mime"),
            "cut" => self.response("body"),
            "image" => self.response("image-size"),
            _ => {}
        }
    }

    /// A callback has come to its outcome.
    pub(super) fn callback(&mut self, outcome: &Outcome) {
        self.done += u64::from(matches!(outcome, Outcome::Ok(_)));
        if let Some(failure) = failure(outcome) {
            self.failures += 1;
            // Nobody here can read where it goes.
            self.unreadable += u64::from(&*failure.class == "payload");
            self.unknown_topics += u64::from(&*failure.class == "unknown_topic");
        }
    }

    /// A file was deleted, or could not be.
    pub(super) fn purge(&mut self, outcome: &Outcome) {
        self.purged += u64::from(matches!(outcome, Outcome::Ok(_)));
        self.purges_failed += u64::from(failure(outcome).is_some());
    }

    fn response(&mut self, name: &str) {
        *self.responses.entry(name.to_owned()).or_default() += 1;
    }

    pub(super) fn processor(&self) -> Value {
        let mut shown = json!({
            "alive": 1,
            "workers": self.workers,
            "workerPools": self.running.len(),
            "maxWorkers": self.max_workers,
            "maxWorkerPools": self.max_pools,
            "spawnedWorkers": self.spawned_workers,
            "spawnedWorkerPools": self.spawned_pools,
            "failures": self.failures,
            "invalidProxies": self.invalid_proxies,
            "reaperSuccessfulDeletions": self.purged,
            "reaperFailures": self.purges_failed,
        });
        for (name, count) in &self.responses {
            shown[format!("download.response.{name}")] = (*count).into();
        }
        shown
    }

    pub(super) fn notifier(&self) -> Value {
        json!({
            "alive": 1,
            "workers": self.workers,
            "workerPools": self.running.len(),
            "successfulCallbacks": self.done,
            "failedCallbacks": self.failures,
            "undefinedBackendWithCallback": self.unreadable,
            "unknownTopicOrPartition": self.unknown_topics,
        })
    }
}

/// Why a run failed, if it did.
fn failure(outcome: &Outcome) -> Option<&Failure> {
    match outcome {
        Outcome::Retry { failure, .. } | Outcome::Snooze { failure, .. } | Outcome::Dead(failure) => {
            Some(failure)
        }
        Outcome::Ok(_) | Outcome::Cancelled(_) | Outcome::Interrupted(_) | Outcome::Spawn { .. } => None,
    }
}
