//! Everything that has a permit or waits for one, and what is next. Pure decisions: no lock, no channel.

use std::collections::BTreeMap;

use super::shares::Shares;
use crate::{
    Class,
    place::{Arrival, Place},
};

/// What runs and what waits. `Q` stands for a waiter in the queue, `O` for one that waits outside for room in the queue.
#[derive(Debug)]
pub(super) struct Crowd<Q, O> {
    shares: Shares,
    queue: usize,
    queued: BTreeMap<Place, Q>,
    /// Retries in the queue, which are not held against its bound.
    retries: usize,
    /// Each is a future of its caller and costs no more than its line here.
    outside: BTreeMap<Place, O>,
    arrivals: u64,
}

/// Where there is room for an arrival.
#[derive(Clone, Copy, Debug)]
pub(super) enum Room {
    /// It gets a permit.
    Permit,
    /// It gets a place in the queue.
    Queue,
}

/// The next waiter that moves on; it has left its place.
pub(super) enum Next<Q, O> {
    /// From the queue to a permit.
    Queued(Place, Q),
    /// From outside to where there is room.
    Outside(Place, O, Room),
}

/// Numbers of a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) limit: usize,
    pub(crate) used: usize,
    pub(crate) waiting: usize,
}

impl<Q, O> Crowd<Q, O> {
    pub(super) fn new(limit: usize, queue: usize) -> Self {
        Self {
            shares: Shares::new(limit),
            queue,
            queued: BTreeMap::new(),
            retries: 0,
            outside: BTreeMap::new(),
            arrivals: 0,
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.shares.set_limit(limit);
    }

    pub(super) fn set_queue(&mut self, queue: usize) {
        self.queue = queue;
    }

    pub(super) fn load(&self) -> Load {
        Load {
            limit: self.shares.limit(),
            used: self.shares.used(),
            waiting: self.queued.len(),
        }
    }

    /// The place of an arrival of now.
    pub(super) fn arrive(&mut self, class: Class, arrival: Arrival) -> Place {
        self.arrivals += 1;
        Place {
            class,
            arrival,
            number: self.arrivals,
        }
    }

    /// What an arrival at `place` gets; the bound of the queue if it is full.
    pub(super) fn room(&self, place: Place) -> Result<Room, usize> {
        if self.shares.has(place.class) && is_before(place, &self.queued) {
            return Ok(Room::Permit);
        }
        if place.arrival == Arrival::First && self.is_full_for(place.class) {
            return Err(self.queue);
        }
        Ok(Room::Queue)
    }

    /// Background work finds room in what all others leave. Interactive work has the whole queue to itself: a caller must
    /// not be refused because of work that no caller waits for. So twice the queue is the most that waits.
    fn is_full_for(&self, class: Class) -> bool {
        if self.queued.len() - self.retries < self.queue {
            return false;
        }
        let counts = |place: &&Place| place.class <= class && place.arrival == Arrival::First;
        self.queued.keys().filter(counts).count() >= self.queue
    }

    /// Whether nothing that waits outside comes before `place`.
    pub(super) fn is_first_outside(&self, place: Place) -> bool {
        is_before(place, &self.outside)
    }

    pub(super) fn take(&mut self, class: Class) {
        self.shares.take(class);
    }

    pub(super) fn give_back(&mut self, class: Class) {
        self.shares.give_back(class);
    }

    pub(super) fn join(&mut self, place: Place, waiter: Q) {
        self.queued.insert(place, waiter);
        self.retries += usize::from(place.arrival == Arrival::Retry);
    }

    /// `None` if it has moved on already.
    pub(super) fn leave(&mut self, place: Place) -> Option<Q> {
        let waiter = self.queued.remove(&place)?;
        self.retries -= usize::from(place.arrival == Arrival::Retry);
        Some(waiter)
    }

    pub(super) fn join_outside(&mut self, place: Place, waiter: O) {
        self.outside.insert(place, waiter);
    }

    /// `None` if it has moved on already.
    pub(super) fn leave_outside(&mut self, place: Place) -> Option<O> {
        self.outside.remove(&place)
    }

    /// How many are before a place in the queue, and how many wait in all.
    pub(super) fn position(&self, place: Place) -> (usize, usize) {
        (self.queued.range(..place).count(), self.queued.len())
    }

    /// Lets one waiter move on, if one can. Only the first of the queue and the first outside can be next: what there is no
    /// permit or room for at an interactive place, there is none for at a background one.
    pub(super) fn next(&mut self) -> Option<Next<Q, O>> {
        let first = self.queued.keys().next().copied();
        if let Some(place) = first.filter(|place| self.shares.has(place.class)) {
            return self.leave(place).map(|waiter| Next::Queued(place, waiter));
        }
        let place = *self.outside.keys().next()?;
        let room = self.room(place).ok()?;
        let waiter = self.leave_outside(place)?;
        Some(Next::Outside(place, waiter, room))
    }
}

fn is_before<T>(place: Place, waiters: &BTreeMap<Place, T>) -> bool {
    waiters.keys().next().is_none_or(|first| place < *first)
}
