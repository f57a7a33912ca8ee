//! The sessions that a server remembers.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{SessionId, mac::Code, server_session::ServerSession};

/// A session that had no right request: perhaps nobody has its key, because somebody has sent a hello that he had only seen.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) session: Arc<ServerSession>,
    /// The code of the hello.
    pub(crate) hello: Code,
    /// What was answered to it.
    pub(crate) answer: Bytes,
}

/// A session that had a right request.
#[derive(Debug)]
struct Established {
    session: Arc<ServerSession>,
    /// When it had the last one.
    used: Instant,
}

/// The sessions that a server remembers, within their bounds. Those that had a right request and those that had none stand
/// apart, so that hellos push out nothing that is used.
#[derive(Debug)]
pub(crate) struct SessionTable {
    /// In the order in which they came.
    pending: VecDeque<(Instant, Pending)>,
    established: HashMap<SessionId, Established>,
    most_pending: usize,
    most_established: usize,
    idle: Duration,
}

impl SessionTable {
    /// An empty table with these bounds, of which none is 0.
    pub(crate) fn new(most_pending: usize, most_established: usize, idle: Duration) -> Self {
        Self {
            pending: VecDeque::new(),
            established: HashMap::new(),
            most_pending: most_pending.max(1),
            most_established: most_established.max(1),
            idle,
        }
    }

    /// What was answered to this hello, if its session still waits for a request. So a hello that comes again makes no second
    /// session, and pushes nothing out. The code was proved before, so its comparison tells nobody anything.
    pub(crate) fn answer(&self, hello: &Code, now: Instant) -> Option<Bytes> {
        let live = self.live_pending(now);
        live.into_iter()
            .find(|pending| pending.hello.bytes() == hello.bytes())
            .map(|pending| pending.answer.clone())
    }

    /// Adds the session of a hello. The oldest of those that had no request goes for it, if they are too many.
    pub(crate) fn add(&mut self, pending: Pending, now: Instant) {
        self.expire(now);
        while self.pending.len() >= self.most_pending {
            self.pending.pop_front();
        }
        self.pending.push_back((now, pending));
    }

    /// The session, of whichever sort.
    pub(crate) fn find(&self, id: &SessionId, now: Instant) -> Option<Arc<ServerSession>> {
        if let Some(established) = self.established.get(id) {
            let idle = now.duration_since(established.used) > self.idle;
            return (!idle).then(|| Arc::clone(&established.session));
        }
        let mut live = self.live_pending(now).into_iter();
        let found = live.find(|pending| pending.session.id == *id);
        found.map(|pending| Arc::clone(&pending.session))
    }

    /// Notes that the session had a right request. False if it is gone.
    pub(crate) fn used(&mut self, id: &SessionId, now: Instant) -> bool {
        if let Some(established) = self.established.get_mut(id) {
            established.used = now;
            return true;
        }
        let at = self
            .pending
            .iter()
            .position(|(_, pending)| pending.session.id == *id);
        let Some((_, pending)) = at.and_then(|at| self.pending.remove(at)) else {
            return false;
        };
        self.expire(now);
        self.make_room();
        let session = pending.session;
        self.established.insert(*id, Established { session, used: now });
        true
    }

    /// How many are established, and how many are not.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.established.len(), self.pending.len())
    }

    /// Drops what has been idle for too long.
    fn expire(&mut self, now: Instant) {
        let idle = self.idle;
        self.established
            .retain(|_, kept| now.duration_since(kept.used) <= idle);
        while self
            .pending
            .front()
            .is_some_and(|(since, _)| now.duration_since(*since) > idle)
        {
            self.pending.pop_front();
        }
    }

    /// Drops what has been idle for longest, if there is no room for one more.
    fn make_room(&mut self) {
        while self.established.len() >= self.most_established {
            let longest = self
                .established
                .iter()
                .min_by_key(|(_, kept)| kept.used)
                .map(|(id, _)| *id);
            let Some(longest) = longest else { return };
            self.established.remove(&longest);
        }
    }

    /// Those without a request that are not too old.
    fn live_pending(&self, now: Instant) -> impl IntoIterator<Item = &Pending> {
        let live = self
            .pending
            .iter()
            .filter(move |(since, _)| now.duration_since(*since) <= self.idle);
        live.map(|(_, pending)| pending)
    }
}
