//! Turns: how many run at once, who waits, and who is next.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::Class;

/// The share of the turns that background work may take, in percent; at least one turn.
const BACKGROUND_SHARE: usize = 30;

/// Hands out turns, first come first served within a class, interactive before background.
///
/// Room and turn are decided under one lock: who finds a free turn takes it, who finds room in the queue waits, who
/// finds neither is told so. So a lane takes exactly `limit + queue` requests.
#[derive(Debug)]
pub(crate) struct Limiter {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    queue: usize,
    used: usize,
    used_by_background: usize,
    /// Repeats, which have had a turn before: first in line, and not held against the queue.
    returning: VecDeque<Waiter>,
    interactive: VecDeque<Waiter>,
    background: VecDeque<Waiter>,
    /// Those who wait for room. They are futures of their own callers, so they take nothing of ours but a line here.
    outside: VecDeque<Outsider>,
    next_id: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    class: Class,
    turn: oneshot::Sender<Permit>,
}

#[derive(Debug)]
struct Outsider {
    id: u64,
    class: Class,
    entry: oneshot::Sender<Entry>,
}

/// The answer to "may I come in".
#[derive(Debug)]
pub(crate) enum Entry {
    /// At once.
    Turn(Permit),
    /// In line.
    Line(Line),
}

/// A turn. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Arc<Limiter>,
    class: Class,
}

/// A place in the line. Dropping it leaves the line.
#[derive(Debug)]
pub(crate) struct Line {
    limiter: Arc<Limiter>,
    id: u64,
    turn: oneshot::Receiver<Permit>,
    done: bool,
}

/// What has to be told to somebody once the lock is released.
enum News {
    Turn(oneshot::Sender<Permit>, Permit),
    Entry(oneshot::Sender<Entry>, Entry),
}

/// Numbers of a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crowd {
    pub(crate) limit: usize,
    pub(crate) used: usize,
    pub(crate) waiting: usize,
}

impl Limiter {
    pub(crate) fn new(limit: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                limit: limit.max(1),
                queue,
                used: 0,
                used_by_background: 0,
                returning: VecDeque::new(),
                interactive: VecDeque::new(),
                background: VecDeque::new(),
                outside: VecDeque::new(),
                next_id: 0,
            }),
        })
    }

    /// A turn or a place in line; the bound of the queue if there is neither.
    pub(crate) fn enter(self: &Arc<Self>, class: Class) -> Result<Entry, usize> {
        let mut state = self.state.lock();
        state.enter(self, class)
    }

    /// As [`Self::enter`], but waits for room. Cancelling it leaves no trace.
    pub(crate) async fn enter_when_room(self: &Arc<Self>, class: Class) -> Entry {
        loop {
            let (id, entry) = {
                let mut state = self.state.lock();
                // Whoever waits for room already goes first, but background work does not hold up anybody else.
                if state.outside.iter().all(|outsider| outsider.class > class)
                    && let Ok(entry) = state.enter(self, class)
                {
                    return entry;
                }
                let (sender, receiver) = oneshot::channel();
                let id = state.id();
                state.outside.push_back(Outsider {
                    id,
                    class,
                    entry: sender,
                });
                (id, receiver)
            };
            let leave = LeaveOutside { limiter: self, id };
            let entered = entry.await;
            std::mem::forget(leave);
            if let Ok(entry) = entered {
                return entry;
            }
        }
    }

    /// First in line again, for a repeat.
    pub(crate) fn enter_again(self: &Arc<Self>, class: Class) -> Entry {
        let mut state = self.state.lock();
        if state.returning.iter().all(|waiter| waiter.class > class) && state.has_turn(class) {
            return Entry::Turn(state.permit(self, class));
        }
        let (waiter, line) = state.waiter(self, class);
        state.returning.push_back(waiter);
        Entry::Line(line)
    }

    /// Changes how many may wait. Who is in already stays in.
    pub(crate) fn set_queue(self: &Arc<Self>, queue: usize) {
        self.state.lock().queue = queue;
        self.advance();
    }

    /// Changes how many run at once. Who runs already runs on.
    pub(crate) fn set_limit(self: &Arc<Self>, limit: usize) {
        self.state.lock().limit = limit.max(1);
        self.advance();
    }

    pub(crate) fn crowd(&self) -> Crowd {
        let state = self.state.lock();
        Crowd {
            limit: state.limit,
            used: state.used,
            waiting: state.waiting() + state.returning.len(),
        }
    }

    /// Lets in everybody who may come in now. News is delivered without the lock, because a permit that nobody takes
    /// comes back here.
    fn advance(self: &Arc<Self>) {
        loop {
            let news = self.state.lock().next_news(self);
            match news {
                None => return,
                Some(News::Turn(waiter, permit)) => drop(waiter.send(permit)),
                Some(News::Entry(outsider, entry)) => drop(outsider.send(entry)),
            }
        }
    }
}

impl State {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn waiting(&self) -> usize {
        self.interactive.len() + self.background.len()
    }

    fn has_turn(&self, class: Class) -> bool {
        let share = (self.limit * BACKGROUND_SHARE / 100).max(1);
        self.used < self.limit && (class == Class::Interactive || self.used_by_background < share)
    }

    /// Whether nobody of the same or a better class stands in line.
    fn is_first(&self, class: Class) -> bool {
        let after = |waiter: &Waiter| waiter.class > class;
        self.returning.iter().all(after) && self.interactive.is_empty() && self.background.iter().all(after)
    }

    fn permit(&mut self, limiter: &Arc<Limiter>, class: Class) -> Permit {
        self.used += 1;
        if class == Class::Background {
            self.used_by_background += 1;
        }
        Permit {
            limiter: Arc::clone(limiter),
            class,
        }
    }

    fn waiter(&mut self, limiter: &Arc<Limiter>, class: Class) -> (Waiter, Line) {
        let (sender, receiver) = oneshot::channel();
        let id = self.id();
        let waiter = Waiter {
            id,
            class,
            turn: sender,
        };
        let line = Line {
            limiter: Arc::clone(limiter),
            id,
            turn: receiver,
            done: false,
        };
        (waiter, line)
    }

    fn enter(&mut self, limiter: &Arc<Limiter>, class: Class) -> Result<Entry, usize> {
        if self.is_first(class) && self.has_turn(class) {
            return Ok(Entry::Turn(self.permit(limiter, class)));
        }
        if self.waiting() >= self.queue {
            return Err(self.queue);
        }
        let (waiter, line) = self.waiter(limiter, class);
        match class {
            Class::Interactive => self.interactive.push_back(waiter),
            Class::Background => self.background.push_back(waiter),
        }
        Ok(Entry::Line(line))
    }

    fn next_news(&mut self, limiter: &Arc<Limiter>) -> Option<News> {
        let again = self.returning.iter().position(|w| self.has_turn(w.class));
        let next = if let Some(index) = again {
            self.returning.remove(index)
        } else if self.has_turn(Class::Interactive) && !self.interactive.is_empty() {
            self.interactive.pop_front()
        } else if self.has_turn(Class::Background) {
            self.background.pop_front()
        } else {
            None
        };
        if let Some(waiter) = next {
            let permit = self.permit(limiter, waiter.class);
            return Some(News::Turn(waiter.turn, permit));
        }
        // The first of each class: the room that background work does not get may be enough for somebody else.
        for class in [Class::Interactive, Class::Background] {
            let Some(index) = self.outside.iter().position(|o| o.class == class) else {
                continue;
            };
            if let Ok(entry) = self.enter(limiter, class) {
                let outsider = self.outside.remove(index)?;
                return Some(News::Entry(outsider.entry, entry));
            }
        }
        None
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.limiter.state.lock();
            state.used -= 1;
            if self.class == Class::Background {
                state.used_by_background -= 1;
            }
        }
        self.limiter.advance();
    }
}

impl Future for Line {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let turn = ready!(Pin::new(&mut self.turn).poll(cx));
        self.done = true;
        match turn {
            Ok(permit) => Poll::Ready(permit),
            // The sender lives in the limiter's state until it is used or this line is dropped.
            Err(_) => Poll::Pending,
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        {
            let mut state = self.limiter.state.lock();
            let id = self.id;
            state.returning.retain(|waiter| waiter.id != id);
            state.interactive.retain(|waiter| waiter.id != id);
            state.background.retain(|waiter| waiter.id != id);
        }
        // The place is free for whoever waits for room.
        self.limiter.advance();
    }
}

/// Takes an outsider who gives up out of the line for room.
struct LeaveOutside<'a> {
    limiter: &'a Arc<Limiter>,
    id: u64,
}

impl Drop for LeaveOutside<'_> {
    fn drop(&mut self) {
        let id = self.id;
        self.limiter
            .state
            .lock()
            .outside
            .retain(|outsider| outsider.id != id);
        self.limiter.advance();
    }
}

#[cfg(test)]
mod tests;
