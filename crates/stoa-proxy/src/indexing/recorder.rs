//! Tells the index what happened.

use std::{sync::Arc, time::Duration};

use stoa_index::{Index, IndexError, IndexEvent};
use stoa_telemetry::{Counter, Gauge, Part};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until},
};

use super::index_notes::IndexNotes;

/// What comes within this time of the first event goes with it: files of a version come together, and one transaction costs
/// about as much for ten events as for one.
const LINGER: Duration = Duration::from_millis(200);
/// How often uses are told.
const USES_EVERY: Duration = Duration::from_secs(15);
/// The first pause after a failure; each one is twice as long,
const PAUSE: Duration = Duration::from_secs(1);
/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Tells an index what was taken down, in batches and in order. An index that is away is told later.
#[derive(Debug)]
pub struct Recorder {
    index: Arc<dyn Index>,
    notes: IndexNotes,
    metrics: IndexMetrics,
    /// Batches go one after the other, so that what happened last counts.
    turn: Semaphore,
}

/// What is counted of an index.
#[derive(Clone, Debug)]
pub struct IndexMetrics {
    recorded: Counter,
    failures: Counter,
    waiting: Gauge,
    versions: Gauge,
    bytes: Gauge,
}

impl IndexMetrics {
    /// Registers the metrics of the index in `part`.
    pub fn new(part: &Part) -> Self {
        Self {
            recorded: part.counter("index_events", "What the index was told of stored modules"),
            failures: part.counter(
                "index_failures",
                "Times that the index did not take what it was told",
            ),
            waiting: part.gauge("index_waiting", "What the index has still to be told"),
            versions: part.gauge("index_versions", "Module versions in the index"),
            bytes: part.gauge("index_bytes", "The bytes of all files in the index"),
        }
    }
}

/// A batch on its way. What is not told goes back, also if nobody waits for it any more.
struct Batch<'a> {
    notes: &'a IndexNotes,
    events: Vec<IndexEvent>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.notes.bring_back(std::mem::take(&mut self.events));
    }
}

impl Recorder {
    /// Tells `index` what `notes` takes down.
    pub fn new(index: Arc<dyn Index>, notes: IndexNotes, metrics: IndexMetrics) -> Self {
        Self {
            index,
            notes,
            metrics,
            turn: Semaphore::new(1),
        }
    }

    /// Tells it as it comes. Never ends; dropping it loses nothing.
    pub async fn run(&self) {
        let mut uses_at = Instant::now();
        loop {
            tokio::select! {
                () = self.notes.news() => sleep(LINGER).await,
                () = sleep_until(uses_at) => {}
            }
            let with_uses = Instant::now() >= uses_at;
            self.record_or_wait(with_uses).await;
            if with_uses {
                uses_at = Instant::now() + USES_EVERY;
                self.count().await;
            }
        }
    }

    /// Tries until all is told.
    async fn record_or_wait(&self, with_uses: bool) {
        let mut pause = PAUSE;
        while let Err(error) = self.record(with_uses).await {
            self.metrics.failures.inc();
            if pause == PAUSE {
                tracing::warn!(%error, cause = cause(&error), "the index is not told what is stored; it will be told later");
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if pause > PAUSE {
            tracing::info!("the index is told again what is stored");
        }
    }

    /// Tells all that has been taken down so far.
    ///
    /// # Errors
    /// Those of the index. What it was not told is told later.
    pub async fn record(&self, with_uses: bool) -> Result<(), IndexError> {
        let _turn = self.turn.acquire().await;
        loop {
            let events = self.notes.take(with_uses);
            if events.is_empty() {
                break;
            }
            let mut batch = Batch {
                notes: &self.notes,
                events,
            };
            let recorded = self.index.record(&batch.events).await;
            let told = batch.events.len() as u64;
            if recorded.is_ok() {
                batch.events.clear();
            }
            drop(batch);
            self.show_waiting();
            recorded?;
            self.metrics.recorded.inc_by(told);
        }
        self.show_waiting();
        Ok(())
    }

    fn show_waiting(&self) {
        let (events, uses) = self.notes.waiting();
        let waiting = i64::try_from(events + uses).unwrap_or(i64::MAX);
        self.metrics.waiting.set(waiting);
    }

    /// Shows how much there is.
    async fn count(&self) {
        if let Ok(totals) = self.index.totals().await {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            self.metrics.versions.set(number(totals.versions));
            self.metrics.bytes.set(number(totals.bytes));
        }
    }
}

/// What an error comes from, for the log.
pub(super) fn cause(error: &IndexError) -> Option<String> {
    let mut source = std::error::Error::source(error)?.source();
    let mut texts = Vec::new();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    (!texts.is_empty()).then(|| texts.join(": "))
}
