//! How many jobs there are, for Prometheus.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use stoa_jobs::{Counts, Gate, StateName, Store, StoreError, Timestamp};
use stoa_telemetry::{Collect, Samples};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use super::{MAX_KINDS, words::Words};

/// How long after one look at the store the next one comes, and how long one may take.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// When nobody has asked for so long, nobody looks any more.
const UNASKED: Duration = Duration::from_secs(150);
/// What is older than this is not shown: a store that is away must not look like one where nothing happens.
const LONGEST_SHOWN: Duration = Duration::from_secs(30);
/// How many aggregations are asked for in one question, and altogether. With more of them, jobs are not told apart by kind.
const PAGE: usize = 500;
const MOST: usize = 10_000;
/// The kind of a count that a store keeps of all kinds together.
const ALL: &str = "all";

/// Shows how many jobs a store has in each state, how long the first of them has been waiting, and whether the disk is full.
///
/// A scrape never asks the store. [`JobGauges::watch`] does, some seconds after the last time, for as long as there are scrapes.
#[derive(Clone, Debug)]
pub struct JobGauges(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    /// Of each volume, what is closed while it is full.
    disks: Vec<(&'static str, Gate)>,
    kinds: Words,
    seen: Mutex<Option<Seen>>,
    last_asked: Mutex<Instant>,
    asked: Notify,
}

/// What the store had at a moment.
#[derive(Debug)]
struct Seen {
    at: Instant,
    counts: Counts,
    /// None if there are too many aggregations.
    kinds: Option<BTreeMap<String, OfKind>>,
}

#[derive(Debug, Default)]
struct OfKind {
    ready: u64,
    scheduled: u64,
    running: u64,
    oldest_ready: Option<Timestamp>,
}

impl JobGauges {
    /// Shows the jobs of `store`, and the volumes of these names whose gates are closed while they are full.
    pub fn new(store: Arc<dyn Store>, disks: Vec<(&'static str, Gate)>) -> Self {
        Self(Arc::new(Shared {
            store,
            disks,
            kinds: Words::new(MAX_KINDS),
            seen: Mutex::default(),
            last_asked: Mutex::new(Instant::now()),
            asked: Notify::new(),
        }))
    }

    /// Looks at the store while somebody asks, for as long as it is polled.
    pub async fn watch(self) {
        loop {
            self.look().await;
            sleep(PAUSE).await;
            let asked = self.0.asked.notified();
            if self.0.last_asked.lock().elapsed() > UNASKED {
                asked.await;
            }
        }
    }

    /// Looks at the store once. What it does not answer in time is not shown.
    pub(crate) async fn look(&self) {
        match timeout(LONGEST_LOOK, self.0.read()).await {
            Ok(Ok(seen)) => *self.0.seen.lock() = Some(seen),
            Ok(Err(error)) => tracing::debug!(%error, "the job store was not counted"),
            Err(_) => tracing::debug!("the job store was not counted in time"),
        }
    }
}

impl Shared {
    async fn read(&self) -> Result<Seen, StoreError> {
        let counts = self.store.counts().await?;
        let kinds = self.of_kinds().await?;
        Ok(Seen {
            at: Instant::now(),
            counts,
            kinds,
        })
    }

    async fn of_kinds(&self) -> Result<Option<BTreeMap<String, OfKind>>, StoreError> {
        let mut kinds = BTreeMap::<String, OfKind>::new();
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.store.aggregations(after.as_ref(), PAGE).await?;
            count += page.len();
            for one in &page {
                // An operator may have set limits for kinds that there are not.
                if one.ready + one.scheduled + one.running == 0 {
                    continue;
                }
                let kind = self.kinds.bounded(one.key.kind().as_str());
                let of_kind = kinds.entry(kind).or_default();
                of_kind.ready += one.ready;
                of_kind.scheduled += one.scheduled;
                of_kind.running += one.running;
                of_kind.oldest_ready = of_kind.oldest_ready.into_iter().chain(one.oldest_ready).min();
            }
            if page.len() < PAGE {
                return Ok(Some(kinds));
            }
            if count >= MOST {
                return Ok(None);
            }
            after = page.into_iter().next_back().map(|one| one.key);
        }
    }
}

impl Seen {
    /// The jobs in a state, by kind where that is known.
    fn jobs(&self, state: StateName) -> Vec<(&str, u64)> {
        let count = |of_kind: &OfKind| match state {
            StateName::Ready => Some(of_kind.ready),
            StateName::Scheduled => Some(of_kind.scheduled),
            StateName::Running => Some(of_kind.running),
            _ => None,
        };
        let is_known = count(&OfKind::default()).is_some();
        match &self.kinds {
            Some(kinds) if is_known => kinds
                .iter()
                .filter_map(|(kind, of_kind)| Some((kind.as_str(), count(of_kind)?)))
                .collect(),
            _ => vec![(ALL, self.counts.get(&state).copied().unwrap_or_default())],
        }
    }
}

impl Collect for JobGauges {
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result {
        *self.0.last_asked.lock() = Instant::now();
        self.0.asked.notify_waiters();
        if !self.0.disks.is_empty() {
            let mut disks =
                samples.gauge("disk_state", "Whether a volume is full: 1 if no download starts")?;
            for (volume, gate) in &self.0.disks {
                disks.sample(&[("volume", volume)], u64::from(gate.closed().is_some()))?;
            }
        }
        let seen = self.0.seen.lock();
        let Some(seen) = seen.as_ref().filter(|seen| seen.at.elapsed() <= LONGEST_SHOWN) else {
            return Ok(());
        };
        let mut jobs = samples.gauge(
            "jobs",
            "Jobs in the store, by state, and by kind where that is counted",
        )?;
        for state in StateName::ALL {
            for (kind, count) in seen.jobs(state) {
                jobs.sample(&[("state", state.as_str()), ("kind", kind)], count)?;
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::default().plus(now);
        let help = "Seconds since the job that has been ready the longest became so";
        let mut oldest = samples.gauge("queue_oldest_seconds", help)?;
        for (kind, of_kind) in seen.kinds.iter().flatten() {
            let age = of_kind
                .oldest_ready
                .map_or(0.0, |since| now.since(since).as_secs_f64());
            oldest.sample(&[("kind", kind)], age)?;
        }
        Ok(())
    }
}
