//! The rate of a lane, and the pause that its server has ordered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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

mod gcra;

use gcra::Gcra;
pub(crate) use gcra::TokenWaitError;

/// A token bucket, the pause that a server has ordered, and the line of requests that wait for either.
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
    gcra: Gcra,
    line: BTreeMap<Place, Arc<Notify>>,
    arrivals: u64,
    /// A token is held that may be taken or given back; there is no other before that is known.
    granted: bool,
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
                gcra: Gcra::new(rate, burst, Instant::now()),
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
        state.gcra.set_rate(rate, burst, now);
        self.free.store(state.gcra.is_free(now), Ordering::Release);
        state.wake_first();
    }

    /// Lets nothing pass before `until`, and after that one request at a time before `asked`, which is what the server asked
    /// for. A pause is never cut short by a shorter one.
    pub(crate) fn throttle(&self, until: Instant, asked: Instant) {
        let mut state = self.state.lock();
        state.gcra.throttle(until, asked, Instant::now());
        self.free.store(false, Ordering::Release);
        state.wake_first();
    }

    /// Ends a pause.
    pub(crate) fn end_throttle(&self) {
        let mut state = self.state.lock();
        state.gcra.end_throttle();
        self.free
            .store(state.gcra.is_free(Instant::now()), Ordering::Release);
        state.wake_first();
    }

    /// The server answers again: a pause that it asked for, but that was not waited out, is over.
    pub(crate) fn relent(&self) {
        if self.free.load(Ordering::Acquire) {
            return;
        }
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.gcra.is_on_trial(now) {
            state.gcra.end_throttle();
            self.free.store(state.gcra.is_free(now), Ordering::Release);
            state.wake_first();
        }
    }

    /// When the pause ends, if there is one.
    pub(crate) fn throttled_until(&self) -> Option<Instant> {
        self.state.lock().gcra.throttled_until(Instant::now())
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
        state.gcra.due(latest, ahead, Instant::now())?;
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
        let now = Instant::now();
        let free_at = state.gcra.due(latest, 0, now)?;
        if free_at > now {
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
        state.gcra.take(now);
        let free = state.gcra.is_free(now);
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
