//! Permits: how many requests run at once, which of them wait, and which one is next.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    Class, Urgency,
    place::{Arrival, Place},
};

mod shares;

use shares::Shares;

/// Hands out permits: interactive before background, retries first within a class, then in the order of arrival.
///
/// Room and permit are decided under one lock: a request that finds a free permit takes it, one that finds room in the
/// queue waits, one that finds neither is refused. So a lane takes exactly `limit + queue` requests.
///
/// Whatever waits here follows its urgency: when its class changes, it moves to the place that its arrival gives it in the
/// other class.
#[derive(Debug)]
pub(crate) struct Limiter {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shares: Shares,
    queue: usize,
    /// Those who wait for a permit.
    queued: BTreeMap<Place, oneshot::Sender<Permit>>,
    /// Retries among them, which are not held against the queue.
    retries: usize,
    /// Those who wait for room in the queue. They are futures of their own callers and cost a line here.
    outside: BTreeMap<Place, oneshot::Sender<Entry>>,
    arrivals: u64,
}

/// What an arrival gets that is not refused.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A permit at once.
    Permit(Permit),
    /// A place in the queue.
    Queued(Queued),
}

/// The right to run. Dropping it gives it to the next.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<Limiter>,
    /// The class that it was given to. It counts as that to its end.
    class: Class,
}

/// A place in the queue. Dropping it leaves the queue.
#[derive(Debug)]
pub(crate) struct Queued {
    limiter: Arc<Limiter>,
    place: Place,
    permit: oneshot::Receiver<Permit>,
    done: bool,
}

/// An answer to be delivered once the lock is released.
enum Delivery {
    Permit(oneshot::Sender<Permit>, Permit),
    Entry(oneshot::Sender<Entry>, Entry),
}

/// Numbers of a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) limit: usize,
    pub(crate) used: usize,
    pub(crate) waiting: usize,
}

impl Limiter {
    pub(crate) fn new(limit: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                shares: Shares::new(limit),
                queue,
                queued: BTreeMap::new(),
                retries: 0,
                outside: BTreeMap::new(),
                arrivals: 0,
            }),
        })
    }

    /// A permit or a place in the queue; the bound of the queue if there is neither.
    pub(crate) fn enter(self: &Arc<Self>, class: Class) -> Result<Entry, usize> {
        let mut state = self.state.lock();
        let place = state.arrive(class, Arrival::First);
        state.enter(self, place)
    }

    /// As [`Self::enter`], but waits for room. Cancelling it leaves no trace.
    pub(crate) async fn enter_when_room(self: &Arc<Self>, urgency: &Urgency) -> Entry {
        let (sender, mut entry) = oneshot::channel();
        let mut outside = {
            let mut state = self.state.lock();
            let place = state.arrive(urgency.class(), Arrival::First);
            // An earlier arrival of the same class goes first; background work that waits holds up no interactive one.
            let is_first = state.outside.keys().next().is_none_or(|first| place < *first);
            if is_first && let Ok(entry) = state.enter(self, place) {
                return entry;
            }
            state.outside.insert(place, sender);
            Outside { limiter: self, place }
        };
        loop {
            tokio::select! {
                biased;
                entered = &mut entry => match entered {
                    Ok(entry) => return entry,
                    // The sender is in the state of the limiter until it is used or `outside` is dropped.
                    Err(_) => std::future::pending().await,
                },
                () = urgency.changed(outside.place.class) => outside.follow(urgency.class()),
            }
        }
    }

    /// A permit, or a place before all first attempts of its class, for a retry.
    pub(crate) fn enter_retry(self: &Arc<Self>, class: Class) -> Entry {
        let mut state = self.state.lock();
        let place = state.arrive(class, Arrival::Retry);
        if state.is_next(place) {
            return Entry::Permit(state.permit(self, class));
        }
        Entry::Queued(state.join(self, place))
    }

    /// Changes how many may wait. What has entered stays.
    pub(crate) fn set_queue(self: &Arc<Self>, queue: usize) {
        self.state.lock().queue = queue;
        self.advance();
    }

    /// Changes how many run at once. What runs already runs on.
    pub(crate) fn set_limit(self: &Arc<Self>, limit: usize) {
        self.state.lock().shares.set_limit(limit);
        self.advance();
    }

    pub(crate) fn load(&self) -> Load {
        let state = self.state.lock();
        Load {
            limit: state.shares.limit(),
            used: state.shares.used(),
            waiting: state.queued.len(),
        }
    }

    /// Lets in everything that may come in now. Answers are delivered without the lock, because a permit whose receiver has
    /// gone comes back here.
    fn advance(self: &Arc<Self>) {
        loop {
            let delivery = self.state.lock().next_delivery(self);
            match delivery {
                None => return,
                Some(Delivery::Permit(waiter, permit)) => drop(waiter.send(permit)),
                Some(Delivery::Entry(waiter, entry)) => drop(waiter.send(entry)),
            }
        }
    }
}

impl State {
    fn arrive(&mut self, class: Class, arrival: Arrival) -> Place {
        self.arrivals += 1;
        Place {
            class,
            arrival,
            number: self.arrivals,
        }
    }

    /// Whether an arrival at `place` gets a permit at once.
    fn is_next(&self, place: Place) -> bool {
        self.shares.has(place.class) && self.queued.keys().next().is_none_or(|first| place < *first)
    }

    fn permit(&mut self, limiter: &Arc<Limiter>, class: Class) -> Permit {
        self.shares.take(class);
        Permit {
            limiter: Arc::clone(limiter),
            class,
        }
    }

    fn enter(&mut self, limiter: &Arc<Limiter>, place: Place) -> Result<Entry, usize> {
        if self.is_next(place) {
            return Ok(Entry::Permit(self.permit(limiter, place.class)));
        }
        if self.queued.len() - self.retries >= self.queue {
            return Err(self.queue);
        }
        Ok(Entry::Queued(self.join(limiter, place)))
    }

    fn join(&mut self, limiter: &Arc<Limiter>, place: Place) -> Queued {
        let (sender, permit) = oneshot::channel();
        self.queued.insert(place, sender);
        self.retries += usize::from(place.arrival == Arrival::Retry);
        Queued {
            limiter: Arc::clone(limiter),
            place,
            permit,
            done: false,
        }
    }

    fn leave(&mut self, place: Place) -> Option<oneshot::Sender<Permit>> {
        let waiter = self.queued.remove(&place)?;
        self.retries -= usize::from(place.arrival == Arrival::Retry);
        Some(waiter)
    }

    /// Only the first of the queue and the first outside can be next: what there is no permit or room for at an interactive
    /// place, there is none for at a background one.
    fn next_delivery(&mut self, limiter: &Arc<Limiter>) -> Option<Delivery> {
        let first = self.queued.keys().next().copied();
        if let Some(place) = first.filter(|place| self.shares.has(place.class)) {
            let waiter = self.leave(place)?;
            return Some(Delivery::Permit(waiter, self.permit(limiter, place.class)));
        }
        let place = *self.outside.keys().next()?;
        let entry = self.enter(limiter, place).ok()?;
        let waiter = self.outside.remove(&place)?;
        Some(Delivery::Entry(waiter, entry))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.state.lock().shares.give_back(self.class);
        self.limiter.advance();
    }
}

impl Queued {
    /// Waits for the permit, and moves within the queue as `urgency` changes. May be cancelled and called again; once it has
    /// resolved, it never does so again.
    pub(crate) async fn permit(&mut self, urgency: &Urgency) -> Permit {
        while !self.done {
            tokio::select! {
                biased;
                permit = &mut self.permit => {
                    self.done = true;
                    // The sender is in the state of the limiter until it is used or this place is dropped.
                    let Ok(permit) = permit else { break };
                    return permit;
                }
                () = urgency.changed(self.place.class) => self.follow(urgency.class()),
            }
        }
        std::future::pending().await
    }

    fn follow(&mut self, class: Class) {
        {
            let mut state = self.limiter.state.lock();
            // If it is not there any more, its permit is on the way.
            let Some(waiter) = state.leave(self.place) else {
                return;
            };
            self.place.class = class;
            state.retries += usize::from(self.place.arrival == Arrival::Retry);
            state.queued.insert(self.place, waiter);
        }
        self.limiter.advance();
    }

    /// How many are before it, and how many wait in all.
    pub(crate) fn position(&self) -> (usize, usize) {
        let state = self.limiter.state.lock();
        (state.queued.range(..self.place).count(), state.queued.len())
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if !self.done {
            self.limiter.state.lock().leave(self.place);
            // There is room now for one that waits outside.
            self.limiter.advance();
        }
    }
}

/// A place among those that wait for room. Dropping it gives it up.
struct Outside<'a> {
    limiter: &'a Arc<Limiter>,
    place: Place,
}

impl Outside<'_> {
    fn follow(&mut self, class: Class) {
        {
            let mut state = self.limiter.state.lock();
            // If it is not there any more, its entry is on the way.
            let Some(waiter) = state.outside.remove(&self.place) else {
                return;
            };
            self.place.class = class;
            state.outside.insert(self.place, waiter);
        }
        self.limiter.advance();
    }
}

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        let left = self.limiter.state.lock().outside.remove(&self.place);
        if left.is_some() {
            self.limiter.advance();
        }
    }
}

#[cfg(test)]
mod tests;
