//! One lane: its parts and its settings.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    BreakerMode, Concurrency, DispatchError, LaneCounts, LaneKey, LaneSettings, LaneStatus, LaneUpdate,
    Transport, aimd::Aimd, breaker::Breaker, bucket::Bucket, counters::Counters, deadline::after,
    limiter::Limiter, retry_budget::RetryBudget,
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
    /// Given when everything in the lane is cut off: the pool is closed, or the lane is evicted.
    pub(crate) abort: CancellationToken,
    evicted: AtomicBool,
    /// Its server has answered something.
    answered: AtomicBool,
    /// The configuration names it: it makes no room for others.
    named: bool,
    /// Where its counts go when it is gone.
    gone: Arc<Mutex<LaneCounts>>,
    settings: RwLock<Settings>,
    aimd: Mutex<Option<Aimd>>,
    /// Milliseconds since `born`.
    used_at: AtomicU64,
    /// When something last came from its server, or it was asked for the first time after a pause, in milliseconds since `born`.
    heard_at: AtomicU64,
    born: Instant,
}

/// How long a lane lives, and what it leaves.
pub(crate) struct LaneLife {
    pub(crate) named: bool,
    pub(crate) abort: CancellationToken,
    pub(crate) gone: Arc<Mutex<LaneCounts>>,
}

struct Settings {
    /// As the rules of the pool say.
    base: Arc<LaneSettings>,
    current: Arc<LaneSettings>,
    /// An operator has changed them.
    overridden: Option<Override>,
}

#[derive(Clone, Copy)]
struct Override {
    /// `None` until it is reset.
    until: Option<Instant>,
}

impl Lane {
    pub(crate) fn new(
        key: LaneKey,
        settings: LaneSettings,
        transport: Arc<dyn Transport>,
        life: LaneLife,
    ) -> Self {
        let now = Instant::now();
        Self {
            key,
            limiter: Limiter::new(settings.concurrency.initial(), settings.queue),
            bucket: Bucket::new(settings.rate, settings.burst.get()),
            breaker: Breaker::new(settings.breaker.clone()),
            budget: RetryBudget::new(&settings.retry),
            transport,
            counters: Counters::default(),
            abort: life.abort,
            evicted: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            named: life.named,
            gone: life.gone,
            aimd: Mutex::new(aimd(settings.concurrency, now)),
            settings: {
                let base = Arc::new(settings);
                RwLock::new(Settings {
                    current: Arc::clone(&base),
                    base,
                    overridden: None,
                })
            },
            used_at: AtomicU64::new(0),
            heard_at: AtomicU64::new(0),
            born: now,
        }
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Arc<LaneSettings> {
        Arc::clone(&self.settings.read().current)
    }

    /// Records a use.
    pub(crate) fn touch(&self) {
        self.used_at.store(self.now(), Ordering::Relaxed);
    }

    pub(crate) fn used_at(&self) -> Instant {
        self.born + Duration::from_millis(self.used_at.load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether it may be evicted to make room for another.
    pub(crate) fn makes_room(&self) -> bool {
        !self.named && !self.is_overridden()
    }

    pub(crate) fn is_overridden(&self) -> bool {
        self.settings.read().overridden.is_some()
    }

    /// Its server has answered.
    pub(crate) fn has_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
        self.hears();
    }

    /// Something has come from its server, or it is asked after a pause: its silence begins now.
    pub(crate) fn hears(&self) {
        self.heard_at.store(self.now(), Ordering::Relaxed);
    }

    /// Whether its server has ever answered, and since when it has been silent. Only of a lane that is in use.
    pub(crate) fn silence(&self) -> (bool, Instant) {
        let since = self.born + Duration::from_millis(self.heard_at.load(Ordering::Relaxed));
        (self.answered.load(Ordering::Relaxed), since)
    }

    /// Cuts off everything in it. It must not be in the map any more.
    pub(crate) fn evict(&self) {
        self.evicted.store(true, Ordering::SeqCst);
        self.abort.cancel();
    }

    /// Why everything in it is cut off, if it has been evicted.
    pub(crate) fn eviction(&self) -> Option<DispatchError> {
        let evicted = self.evicted.load(Ordering::Relaxed);
        evicted.then(|| DispatchError::Evicted {
            lane: self.key.clone(),
        })
    }

    /// Whether the lane can be evicted without a loss: it has no override, its breaker is not open, and it is not throttled.
    pub(crate) fn is_evictable(&self) -> bool {
        !self.is_overridden()
            && self.bucket.throttled_until().is_none()
            && !matches!(self.breaker.state().1, crate::BreakerState::Open { .. })
    }

    /// Overrides what `update` names, for as long as it says.
    pub(crate) fn update(&self, update: &LaneUpdate) {
        let mut settings = self.settings.write();
        let mut next = (*settings.current).clone();
        update.apply(&mut next);
        let now = Instant::now();
        settings.overridden = Some(Override {
            until: update.lasting.map(|lasting| after(now, lasting)),
        });
        self.put_in_force(&mut settings, Arc::new(next));
        // An operator that sets the breaker to work wants it to begin anew.
        if update.breaker == Some(BreakerMode::Active) {
            self.breaker.reset();
        }
    }

    /// Sends nothing for so long.
    pub(crate) fn throttle(&self, pause: Duration) {
        let now = Instant::now();
        let kept = pause.min(self.settings().max_throttle);
        self.bucket.throttle(after(now, kept), after(now, pause));
        self.counters.throttles.one();
    }

    /// Ends the override; the breaker closes and the pause ends.
    pub(crate) fn reset(&self) {
        let mut settings = self.settings.write();
        settings.overridden = None;
        let base = Arc::clone(&settings.base);
        self.put_in_force(&mut settings, base);
        drop(settings);
        self.breaker.reset();
        self.bucket.end_throttle();
    }

    /// New rules. An override stays until it ends.
    pub(crate) fn set_base(&self, base: LaneSettings) {
        let mut settings = self.settings.write();
        settings.base = Arc::new(base);
        if settings.overridden.is_none() {
            let base = Arc::clone(&settings.base);
            self.put_in_force(&mut settings, base);
        }
    }

    /// Ends an override whose time is over.
    pub(crate) fn expire_override(&self, now: Instant) {
        let over = |s: &Settings| {
            s.overridden
                .and_then(|overridden| overridden.until)
                .is_some_and(|until| until <= now)
        };
        if !over(&self.settings.read()) {
            return;
        }
        let mut settings = self.settings.write();
        if over(&settings) {
            settings.overridden = None;
            let base = Arc::clone(&settings.base);
            self.put_in_force(&mut settings, base);
        }
    }

    /// Puts `next` in force. What was measured or spent is forgotten only where its own setting changes.
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
        self.breaker.set(&next.breaker);
        settings.current = next;
    }

    /// Learns from an attempt, where the concurrency is adaptive.
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
            overridden: settings.overridden.is_some(),
            reverts_in: settings
                .overridden
                .and_then(|overridden| overridden.until)
                .map(|until| until.saturating_duration_since(now)),
            limit: load.limit,
            running: load.used,
            waiting: load.waiting,
            throttled: self
                .bucket
                .throttled_until()
                .map(|until| until.saturating_duration_since(now)),
            mode,
            breaker,
            open_shares: self.breaker.open_shares(),
            named: self.named,
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

impl Drop for Lane {
    fn drop(&mut self) {
        *self.gone.lock() += self.counters.counts();
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.key)
    }
}
