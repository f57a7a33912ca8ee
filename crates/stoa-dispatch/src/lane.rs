//! One lane: its parts, and what they are set to.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use crate::{
    BreakerMode, Concurrency, LaneKey, LaneSettings, LaneStatus, LaneUpdate, Transport, aimd::Aimd,
    breaker::Breaker, bucket::Bucket, counters::Counters, limiter::Limiter, retry_budget::RetryBudget,
    shared::after,
};

/// Everything that belongs to one server.
pub(crate) struct Lane {
    pub(crate) key: LaneKey,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) bucket: Bucket,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) budget: RetryBudget,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) counters: Counters,
    settings: RwLock<Settings>,
    aimd: Mutex<Option<Aimd>>,
    /// Milliseconds since `born`.
    used_at: AtomicU64,
    born: Instant,
}

struct Settings {
    /// As the rules of the pool say.
    base: Arc<LaneSettings>,
    current: Arc<LaneSettings>,
    /// Somebody changed them by hand.
    by_hand: Option<ByHand>,
}

#[derive(Clone, Copy)]
struct ByHand {
    until: Option<Instant>,
}

impl Lane {
    pub(crate) fn new(key: LaneKey, settings: LaneSettings, transport: Arc<dyn Transport>) -> Self {
        let now = Instant::now();
        Self {
            key,
            limiter: Limiter::new(settings.concurrency.initial(), settings.queue),
            bucket: Bucket::new(settings.rate, settings.burst.get()),
            breaker: Breaker::new(settings.breaker.clone()),
            budget: RetryBudget::new(&settings.retry),
            transport,
            counters: Counters::default(),
            aimd: Mutex::new(aimd(settings.concurrency, now)),
            settings: {
                let base = Arc::new(settings);
                RwLock::new(Settings {
                    current: Arc::clone(&base),
                    base,
                    by_hand: None,
                })
            },
            used_at: AtomicU64::new(0),
            born: now,
        }
    }

    /// What it is held to now.
    pub(crate) fn settings(&self) -> Arc<LaneSettings> {
        Arc::clone(&self.settings.read().current)
    }

    /// Takes note of a use.
    pub(crate) fn touch(&self) {
        let millis = self.born.elapsed().as_millis();
        self.used_at
            .store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn used_at(&self) -> Instant {
        self.born + Duration::from_millis(self.used_at.load(Ordering::Relaxed))
    }

    /// Whether little would be lost with it: it is not set by hand, its breaker keeps nobody away, it does not sleep.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.settings.read().by_hand.is_none()
            && self.bucket.throttled_until().is_none()
            && !matches!(self.breaker.state().1, crate::BreakerState::Open { .. })
    }

    /// Changes what `update` names, for as long as it says.
    pub(crate) fn update(&self, update: &LaneUpdate) {
        let mut settings = self.settings.write();
        let mut next = (*settings.current).clone();
        update.apply(&mut next);
        let now = Instant::now();
        settings.by_hand = Some(ByHand {
            until: update.lasting.map(|lasting| after(now, lasting)),
        });
        self.put_in_force(&mut settings, Arc::new(next));
        // Who sets a breaker to work wants it to begin anew.
        if update.breaker == Some(BreakerMode::Active) {
            self.breaker.reset();
        }
    }

    /// Back to the rules; the breaker closes and the lane wakes.
    pub(crate) fn reset(&self) {
        let mut settings = self.settings.write();
        settings.by_hand = None;
        let base = Arc::clone(&settings.base);
        self.put_in_force(&mut settings, base);
        drop(settings);
        self.breaker.reset();
        self.bucket.end_throttle();
    }

    /// New rules. What was set by hand stays until it ends.
    pub(crate) fn set_base(&self, base: LaneSettings) {
        let mut settings = self.settings.write();
        settings.base = Arc::new(base);
        if settings.by_hand.is_none() {
            let base = Arc::clone(&settings.base);
            self.put_in_force(&mut settings, base);
        }
    }

    /// Ends what was set by hand for a time, if the time is over.
    pub(crate) fn expire_by_hand(&self, now: Instant) {
        let over = |s: &Settings| {
            s.by_hand
                .and_then(|by_hand| by_hand.until)
                .is_some_and(|until| until <= now)
        };
        if !over(&self.settings.read()) {
            return;
        }
        let mut settings = self.settings.write();
        if over(&settings) {
            settings.by_hand = None;
            let base = Arc::clone(&settings.base);
            self.put_in_force(&mut settings, base);
        }
    }

    /// From now on, `next`. What has been found out or spent is forgotten only where it is changed itself.
    fn put_in_force(&self, settings: &mut Settings, next: Arc<LaneSettings>) {
        if next.concurrency != settings.current.concurrency {
            *self.aimd.lock() = aimd(next.concurrency, Instant::now());
            self.limiter.set_limit(next.concurrency.initial());
        }
        if next.retry != settings.current.retry {
            self.budget.set(&next.retry);
        }
        self.limiter.set_queue(next.queue);
        self.bucket.set_rate(next.rate, next.burst.get());
        self.breaker.set(next.breaker.clone());
        settings.current = next;
    }

    /// Learns from an attempt, where the concurrency is found out.
    pub(crate) fn sample(&self, began: Instant, dropped: bool) {
        let mut aimd = self.aimd.lock();
        let Some(aimd) = aimd.as_mut() else { return };
        let (before, now) = (aimd.limit(), Instant::now());
        let limit = aimd.sample(now - began, dropped, self.limiter.load().used, now);
        if limit != before {
            self.limiter.set_limit(limit);
        }
    }

    pub(crate) fn status(&self) -> LaneStatus {
        let now = Instant::now();
        let load = self.limiter.load();
        let (mode, breaker) = self.breaker.state();
        let settings = self.settings.read();
        LaneStatus {
            lane: self.key.clone(),
            settings: Arc::clone(&settings.current),
            by_hand: settings.by_hand.is_some(),
            reverts_in: settings
                .by_hand
                .and_then(|by_hand| by_hand.until)
                .map(|until| until.saturating_duration_since(now)),
            limit: load.limit,
            running: load.used,
            waiting: load.waiting,
            asleep: self
                .bucket
                .throttled_until()
                .map(|until| until.saturating_duration_since(now)),
            mode,
            breaker,
            last_failure: self.breaker.last_failure(),
            idle: now.saturating_duration_since(self.used_at()),
            counts: self.counters.counts(),
        }
    }
}

fn aimd(concurrency: Concurrency, now: Instant) -> Option<Aimd> {
    match concurrency {
        Concurrency::Fixed(_) => None,
        Concurrency::Auto { min, max } => Some(Aimd::new(min.get(), max.get(), concurrency.initial(), now)),
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.key)
    }
}
