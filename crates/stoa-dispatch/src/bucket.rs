//! The rate of a lane, and its sleep.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

use crate::Rate;

/// A timer may ring late by so much; the time that is lost by it is made up for. Without this a lane of 200/s would
/// reach 170/s on timers of a millisecond.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// A token bucket (GCRA: it remembers only when the next token would be due) and the sleep that a server has ordered.
///
/// A token is taken at the moment when the request goes out, never before: who gives up while waiting has spent none.
/// Waiters go one after another.
#[derive(Debug)]
pub(crate) struct Bucket {
    state: Mutex<State>,
    /// Neither rate nor sleep: nothing to wait for.
    free: AtomicBool,
    waiting: AtomicUsize,
    turnstile: Semaphore,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    interval: Option<Duration>,
    burst: u32,
    /// When the bucket is full again.
    full_at: Instant,
    asleep_until: Option<Instant>,
}

/// It would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub(crate) free_at: Instant,
    pub(crate) asleep: bool,
}

/// The right to take the next token, which is there.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    bucket: &'a Bucket,
    _turn: Option<SemaphorePermit<'a>>,
}

impl Bucket {
    pub(crate) fn new(rate: Option<Rate>, burst: u32) -> Self {
        Self {
            state: Mutex::new(State {
                interval: rate.map(Rate::interval),
                burst: burst.max(1),
                full_at: Instant::now(),
                asleep_until: None,
            }),
            free: AtomicBool::new(rate.is_none()),
            waiting: AtomicUsize::new(0),
            turnstile: Semaphore::new(1),
            changed: Notify::new(),
        }
    }

    /// Changes the rate. What has been spent stays spent, measured in tokens.
    pub(crate) fn set_rate(&self, rate: Option<Rate>, burst: u32) {
        let now = Instant::now();
        {
            let mut state = self.state.lock();
            let debt = state.full_at.saturating_duration_since(now);
            let tokens = state
                .interval
                .map_or(0.0, |old| debt.as_secs_f64() / old.as_secs_f64());
            state.interval = rate.map(Rate::interval);
            state.burst = burst.max(1);
            state.full_at = now
                + state.interval.map_or(Duration::ZERO, |new| {
                    new.mul_f64(tokens.min(f64::from(burst.max(1))))
                });
            self.free.store(state.is_free(now), Ordering::Release);
        }
        self.changed.notify_waiters();
    }

    /// Nobody goes before `until`. A sleep is never cut short by a shorter one.
    pub(crate) fn sleep(&self, until: Instant) {
        let mut state = self.state.lock();
        state.asleep_until = state.asleep_until.max(Some(until));
        self.free.store(false, Ordering::Release);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Ends a sleep.
    pub(crate) fn wake(&self) {
        let mut state = self.state.lock();
        state.asleep_until = None;
        self.free.store(state.is_free(Instant::now()), Ordering::Release);
        drop(state);
        self.changed.notify_waiters();
    }

    /// When the sleep ends, if there is one.
    pub(crate) fn asleep_until(&self) -> Option<Instant> {
        let until = self.state.lock().asleep_until;
        until.filter(|until| *until > Instant::now())
    }

    /// A token at once, where there is neither rate nor sleep.
    pub(crate) fn free_token(&self) -> Option<Token<'_>> {
        let free = self.free.load(Ordering::Acquire);
        free.then_some(Token {
            bucket: self,
            _turn: None,
        })
    }

    /// Waits until a token is there, but not beyond `latest`: who cannot make it is told at once.
    pub(crate) async fn token(&self, latest: Instant) -> Result<Token<'_>, TooLong> {
        if let Some(token) = self.free_token() {
            return Ok(token);
        }
        // Counted until the token is there, for the first in line is ahead of the others as well.
        let waiting = Waiting::new(&self.waiting);
        self.check(latest, waiting.ahead)?;
        // The semaphore is never closed.
        let turn = self.turnstile.acquire().await.ok();
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let free_at = self.check(latest, 0)?;
            if free_at <= Instant::now() {
                return Ok(Token {
                    bucket: self,
                    _turn: turn,
                });
            }
            tokio::select! {
                () = sleep_until(free_at) => {}
                () = changed => {}
            }
        }
    }

    /// When the token is there for somebody with so many others ahead.
    fn check(&self, latest: Instant, ahead: usize) -> Result<Instant, TooLong> {
        let now = Instant::now();
        let state = self.state.lock();
        let asleep_until = state.asleep_until.unwrap_or(now);
        let others = u32::try_from(ahead).unwrap_or(u32::MAX);
        let line = state
            .interval
            .map_or(Duration::ZERO, |interval| interval.saturating_mul(others));
        let free_at = state.token_at(now).max(asleep_until).max(now);
        let free_at = free_at.checked_add(line).unwrap_or(free_at);
        if free_at > latest {
            return Err(TooLong {
                free_at,
                asleep: asleep_until > latest,
            });
        }
        Ok(free_at)
    }
}

impl State {
    fn is_free(&self, now: Instant) -> bool {
        self.interval.is_none() && self.asleep_until.is_none_or(|until| until <= now)
    }

    /// When the next token is there.
    fn token_at(&self, now: Instant) -> Instant {
        let Some(interval) = self.interval else { return now };
        let saved = interval.saturating_mul(self.burst - 1);
        self.full_at.checked_sub(saved).unwrap_or(now)
    }
}

impl Token<'_> {
    /// Spends it.
    pub(crate) fn take(self) {
        if self.bucket.free.load(Ordering::Acquire) {
            return;
        }
        let now = Instant::now();
        let mut state = self.bucket.state.lock();
        if let Some(interval) = state.interval {
            let slack = TIMER_SLACK.min(interval);
            let since = now.checked_sub(slack).unwrap_or(now);
            state.full_at = state.full_at.max(since) + interval;
        }
        if state.asleep_until.is_some_and(|until| until <= now) {
            state.asleep_until = None;
        }
        let free = state.is_free(now);
        self.bucket.free.store(free, Ordering::Release);
    }
}

/// Counts one who waits.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    ahead: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        let ahead = count.fetch_add(1, Ordering::Relaxed);
        Self { count, ahead }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().expect("rate")
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    async fn take(bucket: &Bucket) -> Instant {
        bucket.token(far()).await.expect("token").take();
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_come_one_by_one_after_the_burst() {
        let bucket = Bucket::new(Some(rate("10/s")), 3);
        let began = Instant::now();
        let mut at = Vec::new();
        for _ in 0..6 {
            at.push(take(&bucket).await.duration_since(began).as_millis());
        }
        assert_eq!(at, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_late_timer_loses_is_made_up_for() {
        let bucket = Bucket::new(Some(rate("10/s")), 1);
        let began = take(&bucket).await;
        tokio::time::sleep(Duration::from_millis(104)).await;
        take(&bucket).await;
        assert_eq!(take(&bucket).await.duration_since(began).as_millis(), 200);
        tokio::time::sleep(Duration::from_millis(150)).await;
        take(&bucket).await;
        assert_eq!(
            take(&bucket).await.duration_since(began).as_millis(),
            445,
            "a pause is no lateness: the interval holds, but for the slack"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_run_keeps_the_rate() {
        let bucket = Bucket::new(Some(rate("200/s")), 1);
        let began = Instant::now();
        for _ in 0..1000 {
            take(&bucket).await;
        }
        let took = began.elapsed().as_secs_f64();
        assert!((4.97..5.03).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_spends_nothing() {
        let bucket = Bucket::new(Some(rate("1/s")), 1);
        take(&bucket).await;
        let began = Instant::now();
        for _ in 0..5 {
            let given_up = tokio::time::timeout(Duration::from_millis(10), bucket.token(far())).await;
            assert!(given_up.is_err());
        }
        drop(bucket.token(far()).await.expect("token"));
        drop(bucket.token(far()).await.expect("token"));
        take(&bucket).await;
        assert!(
            began.elapsed() <= Duration::from_millis(1000),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_make_it_is_told_at_once() {
        let bucket = Bucket::new(Some(rate("1/s")), 1);
        take(&bucket).await;
        let began = Instant::now();
        let refused = bucket
            .token(began + Duration::from_millis(500))
            .await
            .expect_err("too long");
        assert!(!refused.asleep && refused.free_at > began + Duration::from_millis(900));
        bucket.sleep(began + Duration::from_secs(60));
        let refused = bucket
            .token(began + Duration::from_secs(5))
            .await
            .expect_err("asleep");
        assert_eq!(
            refused,
            TooLong {
                free_at: began + Duration::from_secs(60),
                asleep: true
            }
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_reaches_who_waits() {
        let bucket = Bucket::new(Some(rate("1/h")), 1);
        take(&bucket).await;
        let began = Instant::now();
        let waiter = async { take(&bucket).await.duration_since(began) };
        let change = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            bucket.set_rate(Some(rate("10/s")), 1);
        };
        let (waited, ()) = tokio::join!(waiter, change);
        assert!(
            waited >= Duration::from_secs(2) && waited <= Duration::from_millis(2101),
            "{waited:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_by_itself_or_by_hand_and_leaves_the_lane_free() {
        let bucket = Bucket::new(None, 1);
        let began = Instant::now();
        bucket.sleep(began + Duration::from_secs(5));
        bucket.sleep(began + Duration::from_secs(2));
        assert_eq!(take(&bucket).await.duration_since(began), Duration::from_secs(5));
        assert!(bucket.free.load(Ordering::Relaxed));
        bucket.sleep(Instant::now() + Duration::from_secs(5));
        bucket.wake();
        assert_eq!(take(&bucket).await.duration_since(began), Duration::from_secs(5));
    }
}
