//! Places of one kind, and the line of those who wait for one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::attendance::Attendance;

/// What a place is handed over by; a sender that is dropped has lost its turn to another one.
pub(super) type Turn<P> = oneshot::Sender<P>;

/// How many places there are, and who has them. It knows no clock and no lock.
#[derive(Debug)]
pub(super) struct Line<P> {
    total: usize,
    per_host: usize,
    queue: usize,
    used: usize,
    waiting: usize,
    tickets: u64,
    hosts: HashMap<Arc<str>, HostLine<P>>,
}

#[derive(Debug)]
struct HostLine<P> {
    used: usize,
    waiting: VecDeque<Waiter<P>>,
}

#[derive(Debug)]
struct Waiter<P> {
    ticket: u64,
    attendance: Attendance,
    turn: Turn<P>,
}

/// What someone who wants a place gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// A place.
    Taken,
    /// A place in the line.
    Waits(u64),
    /// Nothing: the line of the host is full.
    Full,
}

impl<P> Line<P> {
    pub(super) fn new(total: usize, per_host: usize, queue: usize) -> Self {
        Self {
            total: total.max(1),
            per_host: per_host.max(1),
            queue,
            used: 0,
            waiting: 0,
            tickets: 0,
            hosts: HashMap::new(),
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many places are taken.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Takes a place for `host` if there is one. Otherwise it waits for its `turn`; in a line that is full, instead of
    /// somebody that nobody waits for.
    pub(super) fn enter(&mut self, host: &Arc<str>, attendance: Attendance, turn: Turn<P>) -> Entered {
        let at = self.hosts.entry(Arc::clone(host)).or_insert_with(|| HostLine {
            used: 0,
            waiting: VecDeque::new(),
        });
        // Whoever could have a place has got it when it became free: nobody is overtaken here.
        if self.used < self.total && at.used < self.per_host {
            self.used += 1;
            at.used += 1;
            return Entered::Taken;
        }
        if at.waiting.len() >= self.queue {
            let unattended = at
                .waiting
                .iter()
                .position(|waiter| !waiter.attendance.is_waited_for());
            let Some(unattended) = unattended.filter(|_| attendance.is_waited_for()) else {
                self.forget(host);
                return Entered::Full;
            };
            at.waiting.remove(unattended);
            self.waiting -= 1;
        }
        self.tickets += 1;
        self.waiting += 1;
        at.waiting.push_back(Waiter {
            ticket: self.tickets,
            attendance,
            turn,
        });
        Entered::Waits(self.tickets)
    }

    /// Takes somebody out of the line who does not wait any longer.
    pub(super) fn leave(&mut self, host: &Arc<str>, ticket: u64) {
        if let Some(at) = self.hosts.get_mut(host) {
            let before = at.waiting.len();
            at.waiting.retain(|waiter| waiter.ticket != ticket);
            self.waiting -= before - at.waiting.len();
        }
        self.forget(host);
    }

    /// Gives back a place of `host`, and gives out what is free: each turn is the caller's to call.
    pub(super) fn give_back(&mut self, host: &Arc<str>) -> Vec<(Arc<str>, Turn<P>)> {
        self.used = self.used.saturating_sub(1);
        if let Some(at) = self.hosts.get_mut(host) {
            at.used = at.used.saturating_sub(1);
        }
        self.forget(host);
        let mut turns = Vec::new();
        while self.used < self.total
            && let Some((host, index)) = self.next()
            && let Some(at) = self.hosts.get_mut(&host)
            && let Some(waiter) = at.waiting.remove(index)
        {
            at.used += 1;
            self.used += 1;
            self.waiting -= 1;
            turns.push((host, waiter.turn));
        }
        turns
    }

    /// Who is next: whoever is waited for, of the host with the fewest places, the first to come.
    fn next(&self) -> Option<(Arc<str>, usize)> {
        let first = |attended: bool| {
            let open = self.hosts.iter().filter(|(_, at)| at.used < self.per_host);
            let firsts = open.filter_map(|(host, at)| {
                let fits = |waiter: &Waiter<P>| !attended || waiter.attendance.is_waited_for();
                let index = at.waiting.iter().position(fits)?;
                Some((at.used, at.waiting[index].ticket, host, index))
            });
            let first = firsts.min_by_key(|(used, ticket, ..)| (*used, *ticket));
            first.map(|(_, _, host, index)| (Arc::clone(host), index))
        };
        first(true).or_else(|| first(false))
    }

    fn forget(&mut self, host: &Arc<str>) {
        if self
            .hosts
            .get(host)
            .is_some_and(|at| at.used == 0 && at.waiting.is_empty())
        {
            self.hosts.remove(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn enter(
        line: &mut Line<u32>,
        host: &str,
        attended: &Arc<AtomicBool>,
    ) -> (Entered, oneshot::Receiver<u32>) {
        let (turn, receiver) = oneshot::channel();
        let attended = Arc::clone(attended);
        let attendance = Attendance::new(move || attended.load(Ordering::SeqCst));
        (line.enter(&host.into(), attendance, turn), receiver)
    }

    fn next(line: &mut Line<u32>, host: &str) -> Vec<String> {
        let turns = line.give_back(&host.into());
        turns.into_iter().map(|(host, _)| host.to_string()).collect()
    }

    #[test]
    fn no_host_has_more_than_its_share() {
        let (mut line, yes) = (Line::new(4, 2, 10), Arc::new(AtomicBool::new(true)));
        let mut kept = Vec::new();
        for want in [true, true, false, false] {
            let (entered, turn) = enter(&mut line, "a", &yes);
            assert_eq!(entered == Entered::Taken, want);
            kept.push(turn);
        }
        assert_eq!(enter(&mut line, "b", &yes).0, Entered::Taken);
        assert_eq!(enter(&mut line, "c", &yes).0, Entered::Taken);
        assert_eq!((line.used(), line.waiting()), (4, 2));
        // The third host has nothing yet, so it is before the other that came first.
        kept.push(enter(&mut line, "d", &yes).1);
        kept.push(enter(&mut line, "b", &yes).1);
        assert_eq!(next(&mut line, "c"), ["d"]);
        assert_eq!(next(&mut line, "d"), ["b"]);
        assert_eq!(next(&mut line, "a"), ["a"]);
        assert_eq!((line.used(), line.waiting()), (4, 1));
    }

    #[test]
    fn who_is_waited_for_goes_first_and_into_a_full_line() {
        let (yes, no) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let mut line = Line::new(1, 1, 2);
        assert_eq!(enter(&mut line, "a", &yes).0, Entered::Taken);
        let (_, mut gone) = enter(&mut line, "a", &no);
        let left = Arc::new(AtomicBool::new(true));
        let (_, _leaves) = enter(&mut line, "a", &left);
        assert_eq!(enter(&mut line, "a", &no).0, Entered::Full);
        let (entered, mut stays) = enter(&mut line, "a", &yes);
        assert_eq!(entered, Entered::Waits(3));
        assert!(
            gone.try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
        );
        left.store(false, Ordering::SeqCst);
        let turns = line.give_back(&"a".into());
        let (_, turn) = turns.into_iter().next().expect("a turn");
        turn.send(7).expect("it waits");
        assert_eq!(
            stays.try_recv(),
            Ok(7),
            "the one before it is not waited for any more"
        );
    }

    #[test]
    fn who_leaves_the_line_is_not_called_and_hosts_are_forgotten() {
        let (mut line, yes) = (Line::new(1, 1, 2), Arc::new(AtomicBool::new(true)));
        enter(&mut line, "a", &yes);
        let (entered, _turn) = enter(&mut line, "b", &yes);
        let Entered::Waits(ticket) = entered else {
            panic!("{entered:?}")
        };
        line.leave(&"b".into(), ticket);
        assert_eq!(next(&mut line, "a"), Vec::<String>::new());
        assert_eq!((line.used(), line.waiting(), line.hosts.len()), (0, 0, 0));
    }
}
