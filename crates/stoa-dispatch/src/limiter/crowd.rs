//! Everything that has a permit or waits for one, and what is next. Pure decisions: no lock, no channel.

use std::collections::{BTreeMap, HashMap};

use super::shares::Shares;
use crate::{
    Class, Share,
    place::{Arrival, Place},
};

/// What runs and what waits. `Q` stands for a waiter in the queue, `O` for one that waits outside for room in the queue.
#[derive(Debug)]
pub(super) struct Crowd<Q, O> {
    shares: Shares,
    queue: usize,
    /// Those that run or wait for something.
    parties: HashMap<Share, Party<Q>>,
    /// All that wait in the queue.
    queued: usize,
    /// First attempts in the queue, by class. Retries are not held against its bound.
    firsts: [usize; CLASSES],
    /// Each is a future of its caller and costs no more than its line here.
    outside: BTreeMap<Place, (Share, O)>,
    arrivals: u64,
}

const CLASSES: usize = 2;

/// What one share has running and waiting.
#[derive(Debug)]
struct Party<Q> {
    running: [usize; CLASSES],
    line: BTreeMap<Place, Q>,
    firsts: [usize; CLASSES],
}

/// Where there is room for an arrival.
#[derive(Clone, Debug)]
pub(super) enum Room {
    /// It gets a permit.
    Permit,
    /// It gets a place in the queue.
    Queue,
    /// It gets a place in the queue, for which this waiter of a share with more of them has to go.
    InsteadOf(Share, Place),
}

/// The next waiter that moves on; it has left its place.
pub(super) enum Next<Q, O> {
    /// From the queue to a permit.
    Queued(Share, Place, Q),
    /// From outside to where there is room.
    Outside(Share, Place, O, Room),
}

/// Numbers of a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) limit: usize,
    pub(crate) used: usize,
    pub(crate) waiting: usize,
}

impl<Q> Party<Q> {
    const EMPTY: Self = Self {
        running: [0; CLASSES],
        line: BTreeMap::new(),
        firsts: [0; CLASSES],
    };

    fn running(&self) -> usize {
        self.running.iter().sum()
    }

    fn is_gone(&self) -> bool {
        self.running == [0; CLASSES] && self.line.is_empty()
    }
}

impl<Q, O> Crowd<Q, O> {
    pub(super) fn new(limit: usize, queue: usize) -> Self {
        Self {
            shares: Shares::new(limit),
            queue,
            parties: HashMap::new(),
            queued: 0,
            firsts: [0; CLASSES],
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

    /// The bound of the queue.
    pub(super) fn queue(&self) -> usize {
        self.queue
    }

    pub(super) fn load(&self) -> Load {
        Load {
            limit: self.shares.limit(),
            used: self.shares.used(),
            waiting: self.queued,
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

    /// What an arrival of `share` at `place` gets; the bound of the queue if there is nothing for it.
    ///
    /// A full queue has room for a share that has fewer in it than another: the last that came of the share with the most
    /// has to go.
    pub(super) fn room(&self, share: &Share, place: Place) -> Result<Room, usize> {
        match self.free_room(share, place) {
            Some(room) => Ok(room),
            None => match self.last_of_the_longest(share, place.class) {
                Some((share, place)) => Ok(Room::InsteadOf(share, place)),
                None => Err(self.queue),
            },
        }
    }

    /// As [`Self::room`], where nobody has to go.
    pub(super) fn free_room(&self, share: &Share, place: Place) -> Option<Room> {
        // What could go before it, goes before it.
        if self.may_run(share, place.class) && self.first().is_none() {
            return Some(Room::Permit);
        }
        let queues = place.arrival == Arrival::Retry || !self.is_full_for(place.class);
        queues.then_some(Room::Queue)
    }

    /// Background work finds room in what all others leave. Interactive work has the whole queue to itself: a caller must
    /// not be refused because of work that no caller waits for. So twice the queue is the most that waits.
    fn is_full_for(&self, class: Class) -> bool {
        self.firsts[..=class as usize].iter().sum::<usize>() >= self.queue
    }

    /// The last first attempt of this class of the share that has the most of them in the queue, if that are more than
    /// `share` would then have.
    fn last_of_the_longest(&self, share: &Share, class: Class) -> Option<(Share, Place)> {
        let own = self
            .parties
            .get(share)
            .map_or(0, |party| party.firsts[class as usize]);
        let (longest, party) = self
            .parties
            .iter()
            .max_by_key(|(_, party)| party.firsts[class as usize])?;
        if party.firsts[class as usize] <= own + 1 {
            return None;
        }
        let end = Place {
            class,
            arrival: Arrival::First,
            number: u64::MAX,
        };
        let (last, _) = party.line.range(..=end).next_back()?;
        Some((longest.clone(), *last))
    }

    /// Whether there is a permit for this class of this share: no share takes them all.
    fn may_run(&self, share: &Share, class: Class) -> bool {
        let none = [0; CLASSES];
        let running = self.parties.get(share).map_or(&none, |party| &party.running);
        self.has_permit(share, running, class)
    }

    fn has_permit(&self, share: &Share, running: &[usize; CLASSES], class: Class) -> bool {
        let all = running.iter().sum();
        share.may_take(all, self.shares.free())
            && (class == Class::Interactive
                || share.may_take(running[class as usize], self.shares.free_for_background()))
    }

    /// Whether nothing that waits outside comes before `place`.
    pub(super) fn is_first_outside(&self, place: Place) -> bool {
        self.outside.keys().next().is_none_or(|first| place < *first)
    }

    pub(super) fn take(&mut self, share: &Share, class: Class) {
        self.shares.take(class);
        self.party(share).running[class as usize] += 1;
    }

    pub(super) fn give_back(&mut self, share: &Share, class: Class) {
        self.shares.give_back(class);
        if let Some(party) = self.parties.get_mut(share) {
            party.running[class as usize] -= 1;
            if party.is_gone() {
                self.parties.remove(share);
            }
        }
    }

    pub(super) fn join(&mut self, share: &Share, place: Place, waiter: Q) {
        let first = usize::from(place.arrival == Arrival::First);
        let party = self.party(share);
        party.line.insert(place, waiter);
        party.firsts[place.class as usize] += first;
        self.firsts[place.class as usize] += first;
        self.queued += 1;
    }

    /// `None` if it has moved on already.
    pub(super) fn leave(&mut self, share: &Share, place: Place) -> Option<Q> {
        let party = self.parties.get_mut(share)?;
        let waiter = party.line.remove(&place)?;
        let first = usize::from(place.arrival == Arrival::First);
        party.firsts[place.class as usize] -= first;
        if party.is_gone() {
            self.parties.remove(share);
        }
        self.firsts[place.class as usize] -= first;
        self.queued -= 1;
        Some(waiter)
    }

    fn party(&mut self, share: &Share) -> &mut Party<Q> {
        self.parties.entry(share.clone()).or_insert(Party::EMPTY)
    }

    pub(super) fn join_outside(&mut self, share: &Share, place: Place, waiter: O) {
        self.outside.insert(place, (share.clone(), waiter));
    }

    /// `None` if it has moved on already.
    pub(super) fn leave_outside(&mut self, place: Place) -> Option<O> {
        self.outside.remove(&place).map(|(_, waiter)| waiter)
    }

    /// How many of its class and above came before a place in the queue, and how many wait in all.
    pub(super) fn position(&self, place: Place) -> (usize, usize) {
        let before = |party: &Party<Q>| party.line.range(..place).count();
        (self.parties.values().map(before).sum(), self.queued)
    }

    /// Which of those in the queue gets the next permit, if there is one for any: by class, then of the share that has the
    /// fewest, then by place.
    fn first(&self) -> Option<(&Share, Place)> {
        if self.queued == 0 || self.shares.free() == 0 {
            return None;
        }
        let next = |(share, party): (_, &Party<Q>)| {
            let place = *party.line.keys().next()?;
            let may_run = self.has_permit(share, &party.running, place.class);
            may_run.then_some((place.class, party.running(), place, share))
        };
        let (.., place, share) = self.parties.iter().filter_map(next).min()?;
        Some((share, place))
    }

    /// Lets one waiter move on, if one can. Of those outside only the first can be next.
    pub(super) fn next(&mut self) -> Option<Next<Q, O>> {
        if let Some((share, place)) = self.first() {
            let share = share.clone();
            let waiter = self.leave(&share, place)?;
            return Some(Next::Queued(share, place, waiter));
        }
        let (place, (share, _)) = self.outside.first_key_value()?;
        let (place, share) = (*place, share.clone());
        let room = self.free_room(&share, place)?;
        let waiter = self.leave_outside(place)?;
        Some(Next::Outside(share, place, waiter, room))
    }
}
