//! Permits: how many requests run at once, which of them wait, and which one is next.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    Class, Share, Urgency,
    place::{Arrival, Place},
};

mod crowd;
mod shares;

pub(crate) use crowd::Load;
use crowd::{Crowd, Next, Room};

/// Hands out permits: interactive before background, then to the share that has the fewest, of which retries go first and
/// the others in the order of arrival. No share has all permits, or fills the queue against others.
///
/// Room and permit are decided under one lock: a request that finds a free permit takes it, one that finds room in the
/// queue waits, one that finds neither is refused. So a lane takes at most `limit + queue` requests, and exactly as many
/// where shares play no part.
///
/// Whatever waits here follows its urgency: when its class changes, it moves to the place that its arrival gives it in the
/// other class.
#[derive(Debug)]
pub(crate) struct Limiter {
    crowd: Mutex<LaneCrowd>,
}

type LaneCrowd = Crowd<oneshot::Sender<Permit>, oneshot::Sender<Entry>>;

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
    share: Share,
    /// The class that it was given to. It counts as that to its end.
    class: Class,
}

/// A place in the queue. Dropping it leaves the queue.
#[derive(Debug)]
pub(crate) struct Queued {
    limiter: Arc<Limiter>,
    share: Share,
    place: Place,
    permit: oneshot::Receiver<Permit>,
    done: bool,
}

/// A waiter of another share needed its place in the queue, whose bound this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PushedOut(pub(crate) usize);

/// An answer to be delivered once the lock is released.
enum Delivery {
    Permit(oneshot::Sender<Permit>, Permit),
    Entry(oneshot::Sender<Entry>, Entry),
}

impl Limiter {
    pub(crate) fn new(limit: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self {
            crowd: Mutex::new(Crowd::new(limit, queue)),
        })
    }

    /// A permit or a place in the queue; the bound of the queue if there is neither.
    pub(crate) fn enter(self: &Arc<Self>, share: &Share, class: Class) -> Result<Entry, usize> {
        let mut crowd = self.crowd.lock();
        let place = crowd.arrive(class, Arrival::First);
        let room = crowd.room(share, place)?;
        Ok(self.entry(&mut crowd, share, place, &room))
    }

    /// As [`Self::enter`], but waits for room. Cancelling it leaves no trace.
    pub(crate) async fn enter_when_room(self: &Arc<Self>, share: &Share, urgency: &Urgency) -> Entry {
        let (sender, mut entry) = oneshot::channel();
        let mut outside = {
            let mut crowd = self.crowd.lock();
            let place = crowd.arrive(urgency.class(), Arrival::First);
            // An earlier arrival of the same class goes first; background work that waits holds up no interactive one.
            if crowd.is_first_outside(place)
                && let Some(room) = crowd.free_room(share, place)
            {
                return self.entry(&mut crowd, share, place, &room);
            }
            crowd.join_outside(share, place, sender);
            Outside {
                limiter: self,
                share,
                place,
            }
        };
        loop {
            tokio::select! {
                biased;
                entered = &mut entry => match entered {
                    Ok(entry) => return entry,
                    // The crowd holds the sender until it is used or `outside` is dropped.
                    Err(_) => std::future::pending().await,
                },
                () = urgency.changed(outside.place.class) => outside.follow(urgency.class()),
            }
        }
    }

    /// A permit, or a place before all first attempts of its class and share, for a retry.
    pub(crate) fn enter_retry(self: &Arc<Self>, share: &Share, class: Class) -> Entry {
        let mut crowd = self.crowd.lock();
        let place = crowd.arrive(class, Arrival::Retry);
        // The bound of the queue does not hold for retries.
        let room = crowd.free_room(share, place).unwrap_or(Room::Queue);
        self.entry(&mut crowd, share, place, &room)
    }

    /// Changes how many may wait. What has entered stays.
    pub(crate) fn set_queue(self: &Arc<Self>, queue: usize) {
        self.crowd.lock().set_queue(queue);
        self.advance();
    }

    /// Changes how many run at once. What runs already runs on.
    pub(crate) fn set_limit(self: &Arc<Self>, limit: usize) {
        self.crowd.lock().set_limit(limit);
        self.advance();
    }

    pub(crate) fn load(&self) -> Load {
        self.crowd.lock().load()
    }

    fn permit(self: &Arc<Self>, crowd: &mut LaneCrowd, share: &Share, class: Class) -> Permit {
        crowd.take(share, class);
        Permit {
            limiter: Arc::clone(self),
            share: share.clone(),
            class,
        }
    }

    fn entry(self: &Arc<Self>, crowd: &mut LaneCrowd, share: &Share, place: Place, room: &Room) -> Entry {
        match room {
            Room::Permit => return Entry::Permit(self.permit(crowd, share, place.class)),
            Room::Queue => {}
            // It learns of it because its sender is gone.
            Room::InsteadOf(other, last) => drop(crowd.leave(other, *last)),
        }
        let (sender, permit) = oneshot::channel();
        crowd.join(share, place, sender);
        Entry::Queued(Queued {
            limiter: Arc::clone(self),
            share: share.clone(),
            place,
            permit,
            done: false,
        })
    }

    /// Lets in everything that may come in now. Answers are delivered without the lock, because a permit whose receiver has
    /// gone comes back here.
    fn advance(self: &Arc<Self>) {
        while let Some(delivery) = self.next_delivery() {
            match delivery {
                Delivery::Permit(waiter, permit) => drop(waiter.send(permit)),
                Delivery::Entry(waiter, entry) => drop(waiter.send(entry)),
            }
        }
    }

    fn next_delivery(self: &Arc<Self>) -> Option<Delivery> {
        let mut crowd = self.crowd.lock();
        Some(match crowd.next()? {
            Next::Queued(share, place, waiter) => {
                Delivery::Permit(waiter, self.permit(&mut crowd, &share, place.class))
            }
            Next::Outside(share, place, waiter, room) => {
                Delivery::Entry(waiter, self.entry(&mut crowd, &share, place, &room))
            }
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.crowd.lock().give_back(&self.share, self.class);
        self.limiter.advance();
    }
}

impl Queued {
    /// Waits for the permit, and moves within the queue as `urgency` changes. May be cancelled and called again; once it has
    /// resolved, it never does so again.
    pub(crate) async fn permit(&mut self, urgency: &Urgency) -> Result<Permit, PushedOut> {
        while !self.done {
            tokio::select! {
                biased;
                permit = &mut self.permit => {
                    self.done = true;
                    // The crowd holds the sender until it is used or the place is given to another.
                    return permit.map_err(|_| PushedOut(self.limiter.crowd.lock().queue()));
                }
                () = urgency.changed(self.place.class) => self.follow(urgency.class()),
            }
        }
        std::future::pending().await
    }

    fn follow(&mut self, class: Class) {
        {
            let mut crowd = self.limiter.crowd.lock();
            // If it is not there any more, its permit is on the way.
            let Some(waiter) = crowd.leave(&self.share, self.place) else {
                return;
            };
            self.place.class = class;
            crowd.join(&self.share, self.place, waiter);
        }
        self.limiter.advance();
    }

    /// How many are before it, and how many wait in all.
    pub(crate) fn position(&self) -> (usize, usize) {
        self.limiter.crowd.lock().position(self.place)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if !self.done {
            self.limiter.crowd.lock().leave(&self.share, self.place);
            // There is room now for one that waits outside.
            self.limiter.advance();
        }
    }
}

/// A place among those that wait for room. Dropping it gives it up.
struct Outside<'a> {
    limiter: &'a Arc<Limiter>,
    share: &'a Share,
    place: Place,
}

impl Outside<'_> {
    fn follow(&mut self, class: Class) {
        {
            let mut crowd = self.limiter.crowd.lock();
            // If it is not there any more, its entry is on the way.
            let Some(waiter) = crowd.leave_outside(self.place) else {
                return;
            };
            self.place.class = class;
            crowd.join_outside(self.share, self.place, waiter);
        }
        self.limiter.advance();
    }
}

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        let left = self.limiter.crowd.lock().leave_outside(self.place);
        if left.is_some() {
            self.limiter.advance();
        }
    }
}

#[cfg(test)]
mod tests;
