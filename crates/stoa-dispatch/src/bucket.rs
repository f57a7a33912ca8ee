//! The rate of a lane, and the pause that its server has ordered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    Class, Rate, Urgency,
    place::{Arrival, Place},
};

/// A timer may ring late by so much; the time that is lost by it is made up for. Without this a lane of 200/s would
/// reach 170/s on timers of a millisecond.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// A token bucket (GCRA: it remembers only when the next token would be due) and the pause that a server has ordered.
///
/// A token is taken at the moment when the request goes out, never before: a request that is given up while it waits has
/// spent none. Tokens go to interactive requests before background ones, in the order of arrival, and what waits follows
/// its urgency. Only the first in line waits for the time; each of the others is woken when it becomes the first.
#[derive(Debug)]
pub(crate) struct Bucket {
    state: Mutex<State>,
    /// Neither rate nor pause: nothing to wait for.
    free: AtomicBool,
}

#[derive(Debug)]
struct State {
    interval: Option<Duration>,
    burst: u32,
    /// When the bucket is full again.
    full_at: Instant,
    throttled_until: Option<Instant>,
    line: BTreeMap<Place, Arc<Notify>>,
    arrivals: u64,
    /// A token is held that may be taken or given back; there is no other before that is known.
    granted: bool,
}

/// It would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenWaitError {
    pub(crate) free_at: Instant,
    /// It is the pause of the server that takes too long, not the rate.
    pub(crate) throttled: bool,
}

/// The right to take the next token, which is there. Dropping it gives the token to the next in line.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    bucket: &'a Bucket,
    /// It was waited for: the line goes on when it is dropped.
    granted: bool,
}

impl Bucket {
    pub(crate) fn new(rate: Option<Rate>, burst: u32) -> Self {
        Self {
            state: Mutex::new(State {
                interval: rate.map(Rate::interval),
                burst: burst.max(1),
                full_at: Instant::now(),
                throttled_until: None,
                line: BTreeMap::new(),
                arrivals: 0,
                granted: false,
            }),
            free: AtomicBool::new(rate.is_none()),
        }
    }

    /// Changes the rate. What has been spent stays spent, measured in tokens.
    pub(crate) fn set_rate(&self, rate: Option<Rate>, burst: u32) {
        let now = Instant::now();
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
        state.wake_first();
    }

    /// Lets nothing pass before `until`. A pause is never cut short by a shorter one.
    pub(crate) fn throttle(&self, until: Instant) {
        let mut state = self.state.lock();
        state.throttled_until = state.throttled_until.max(Some(until));
        self.free.store(false, Ordering::Release);
        state.wake_first();
    }

    /// Ends a pause.
    pub(crate) fn end_throttle(&self) {
        let mut state = self.state.lock();
        state.throttled_until = None;
        self.free.store(state.is_free(Instant::now()), Ordering::Release);
        state.wake_first();
    }

    /// When the pause ends, if there is one.
    pub(crate) fn throttled_until(&self) -> Option<Instant> {
        let until = self.state.lock().throttled_until;
        until.filter(|until| *until > Instant::now())
    }

    /// A token at once, where there is neither rate nor pause.
    pub(crate) fn free_token(&self) -> Option<Token<'_>> {
        let free = self.free.load(Ordering::Acquire);
        free.then_some(Token {
            bucket: self,
            granted: false,
        })
    }

    /// Waits until a token is there, but not beyond `latest`: where it is known that it cannot be there by then, that is an
    /// error at once.
    pub(crate) async fn token(
        &self,
        latest: Instant,
        urgency: &Urgency,
    ) -> Result<Token<'_>, TokenWaitError> {
        if let Some(token) = self.free_token() {
            return Ok(token);
        }
        let mut waiter = self.join(latest, urgency.class())?;
        loop {
            let free_at = match waiter.look(latest)? {
                Look::Granted(token) => return Ok(token),
                Look::First { free_at } => Some(free_at),
                Look::Behind => None,
            };
            let time = async {
                match free_at {
                    Some(free_at) => sleep_until(free_at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time => {}
                () = waiter.wake.notified() => {}
                () = urgency.changed(waiter.place.class) => waiter.follow(urgency.class()),
            }
        }
    }

    /// A place in line, unless those before it already take too long.
    fn join(&self, latest: Instant, class: Class) -> Result<Waiter<'_>, TokenWaitError> {
        let mut state = self.state.lock();
        state.arrivals += 1;
        let place = Place {
            class,
            arrival: Arrival::First,
            number: state.arrivals,
        };
        let ahead = state.line.range(..place).count();
        state.check(latest, ahead)?;
        let wake = Arc::new(Notify::new());
        state.line.insert(place, Arc::clone(&wake));
        Ok(Waiter {
            bucket: self,
            place,
            wake,
        })
    }
}

impl State {
    fn is_free(&self, now: Instant) -> bool {
        self.interval.is_none() && self.throttled_until.is_none_or(|until| until <= now)
    }

    /// When the next token is there.
    fn token_at(&self, now: Instant) -> Instant {
        let Some(interval) = self.interval else { return now };
        let saved = interval.saturating_mul(self.burst - 1);
        self.full_at.checked_sub(saved).unwrap_or(now)
    }

    /// When the token is there for a request with so many others ahead.
    fn check(&self, latest: Instant, ahead: usize) -> Result<Instant, TokenWaitError> {
        let now = Instant::now();
        let throttled_until = self.throttled_until.unwrap_or(now);
        let others = u32::try_from(ahead).unwrap_or(u32::MAX);
        let line = self
            .interval
            .map_or(Duration::ZERO, |interval| interval.saturating_mul(others));
        let free_at = self.token_at(now).max(throttled_until).max(now);
        let free_at = free_at.checked_add(line).unwrap_or(free_at);
        if free_at > latest {
            return Err(TokenWaitError {
                free_at,
                throttled: throttled_until > latest,
            });
        }
        Ok(free_at)
    }

    fn wake_first(&self) {
        if let Some(first) = self.line.values().next() {
            first.notify_one();
        }
    }
}

/// A place in line. Dropping it leaves the line.
struct Waiter<'a> {
    bucket: &'a Bucket,
    place: Place,
    /// Rings when this has become the first, and when something has changed for the first.
    wake: Arc<Notify>,
}

/// What a waiter finds.
enum Look<'a> {
    /// The token is there for it.
    Granted(Token<'a>),
    /// It is the first, and the token is there at this time.
    First { free_at: Instant },
    /// Another one is before it.
    Behind,
}

impl<'a> Waiter<'a> {
    fn look(&self, latest: Instant) -> Result<Look<'a>, TokenWaitError> {
        let mut state = self.bucket.state.lock();
        if state.granted || state.line.keys().next() != Some(&self.place) {
            return Ok(Look::Behind);
        }
        let free_at = state.check(latest, 0)?;
        if free_at > Instant::now() {
            return Ok(Look::First { free_at });
        }
        state.granted = true;
        state.line.remove(&self.place);
        Ok(Look::Granted(Token {
            bucket: self.bucket,
            granted: true,
        }))
    }

    fn follow(&mut self, class: Class) {
        let mut state = self.bucket.state.lock();
        if let Some(wake) = state.line.remove(&self.place) {
            self.place.class = class;
            state.line.insert(self.place, wake);
            state.wake_first();
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut state = self.bucket.state.lock();
        // With the token it has left already, and the token's end wakes the next.
        if state.line.remove(&self.place).is_some() {
            state.wake_first();
        }
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
        if state.throttled_until.is_some_and(|until| until <= now) {
            state.throttled_until = None;
        }
        let free = state.is_free(now);
        self.bucket.free.store(free, Ordering::Release);
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        if self.granted {
            let mut state = self.bucket.state.lock();
            state.granted = false;
            state.wake_first();
        }
    }
}

#[cfg(test)]
mod tests;
