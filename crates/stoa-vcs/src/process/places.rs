//! How many programs run at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::attendance::Attendance;
use super::line::{Entered, Line};

/// How long one waits for a place whom nobody waits for.
const UNATTENDED: Duration = Duration::from_secs(5);

/// Bounds of [`Places`].
#[derive(Clone, Debug)]
pub struct PlacesOptions {
    /// How many programs may talk to servers at once, and as many again may read local copies.
    pub total: usize,
    /// How many of them may be for repositories of one host.
    pub per_host: usize,
    /// How many may wait for the places of one host.
    pub queue: usize,
    /// How long one may wait.
    pub wait: Duration,
}

impl Default for PlacesOptions {
    fn default() -> Self {
        Self {
            total: 32,
            per_host: 8,
            queue: 256,
            wait: Duration::from_secs(30),
        }
    }
}

/// The places in which programs run, for all repositories. A program that finds none waits for one.
///
/// Programs that talk to servers have places of their own, because a server decides how long they take; whatever hangs
/// there, local copies are read. Within each kind one host has only its share. Who is waited for goes first (see
/// [`Attendance`]), then the host with the fewest places, then who came first.
///
/// A program that talks to a server may wait for a place to read a copy, never the other way round, so that no two wait
/// for each other. Clones are the same places.
#[derive(Clone)]
pub struct Places(Arc<Inner>);

struct Inner {
    options: PlacesOptions,
    server: Mutex<Line<Place>>,
    local: Mutex<Line<Place>>,
    /// How many wait to read copies: programs that do nothing make room for them.
    pressure: watch::Sender<usize>,
    /// How many programs that talk to servers may be kept without doing anything.
    idle: Arc<Semaphore>,
}

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKind {
    /// It talks to a server.
    Server,
    /// It reads or writes a local copy.
    Local,
}

/// The places as the programs for the repositories of one host see them.
#[derive(Clone, Debug)]
pub struct HostPlaces {
    places: Places,
    host: Arc<str>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    places: Places,
    host: Arc<str>,
    kind: PlaceKind,
}

/// Why there is no place for a program; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlaceError {
    /// Too many wait already.
    #[error("{waiting} others already wait for the programs of {host}")]
    Full {
        /// Of which host.
        host: Arc<str>,
        /// So many.
        waiting: usize,
    },
    /// There was none for a while.
    #[error("all programs that may run at once for {host} were busy for {after:?}")]
    Waited {
        /// Of which host.
        host: Arc<str>,
        /// So long.
        after: Duration,
    },
}

impl Places {
    /// Places within these bounds.
    pub fn new(options: PlacesOptions) -> Self {
        let line = || Mutex::new(Line::new(options.total, options.per_host, options.queue));
        Self(Arc::new(Inner {
            server: line(),
            local: line(),
            pressure: watch::Sender::new(0),
            idle: Arc::new(Semaphore::new(options.total)),
            options,
        }))
    }

    /// Those of `host`: the name of a server.
    #[must_use]
    pub fn of(&self, host: &str) -> HostPlaces {
        HostPlaces {
            places: self.clone(),
            host: host.into(),
        }
    }

    /// How many of a kind are taken.
    pub fn used(&self, kind: PlaceKind) -> usize {
        self.line(kind).lock().used()
    }

    /// How many wait for one of a kind.
    pub fn waiting(&self, kind: PlaceKind) -> usize {
        self.line(kind).lock().waiting()
    }

    fn line(&self, kind: PlaceKind) -> &Mutex<Line<Place>> {
        match kind {
            PlaceKind::Server => &self.0.server,
            PlaceKind::Local => &self.0.local,
        }
    }

    /// Changes a line, and tells how many wait then.
    fn change<T>(&self, kind: PlaceKind, change: impl FnOnce(&mut Line<Place>) -> T) -> T {
        let mut line = self.line(kind).lock();
        let changed = change(&mut line);
        if kind == PlaceKind::Local {
            let waiting = line.waiting();
            self.0.pressure.send_if_modified(|before| {
                let turned = (*before == 0) != (waiting == 0);
                *before = waiting;
                turned
            });
        }
        changed
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new(PlacesOptions::default())
    }
}

impl HostPlaces {
    /// A place, as soon as there is one.
    ///
    /// # Errors
    /// When too many wait, or when it was waited for too long.
    pub(crate) async fn take(&self, kind: PlaceKind) -> Result<Place, NoPlaceError> {
        let options = &self.places.0.options;
        let full = || NoPlaceError::Full {
            host: Arc::clone(&self.host),
            waiting: options.queue,
        };
        let (turn, called) = oneshot::channel();
        let attendance = Attendance::current();
        let enter = |line: &mut Line<Place>| line.enter(&self.host, attendance.clone(), turn);
        let ticket = match self.places.change(kind, enter) {
            Entered::Taken => return Ok(self.place(kind)),
            Entered::Waits(ticket) => ticket,
            Entered::Full => return Err(full()),
        };
        let _leave = Leave {
            of: self,
            kind,
            ticket,
        };
        let waited = |after| NoPlaceError::Waited {
            host: Arc::clone(&self.host),
            after,
        };
        tokio::select! {
            biased;
            called = called => called.map_err(|_| full()),
            () = tokio::time::sleep(options.wait) => Err(waited(options.wait)),
            () = attendance.ends_for(UNATTENDED, || false) => Err(waited(UNATTENDED)),
        }
    }

    /// The right to keep a program that does nothing for a while; `None` if there are enough of these.
    pub(crate) fn keep_idle(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places.0.idle).try_acquire_owned().ok()
    }

    /// Resolves when somebody waits to read a copy.
    pub(crate) async fn pressed(&self) {
        let mut pressure = self.places.0.pressure.subscribe();
        if pressure.wait_for(|waiting| *waiting > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn place(&self, kind: PlaceKind) -> Place {
        Place {
            places: self.places.clone(),
            host: Arc::clone(&self.host),
            kind,
        }
    }
}

impl Default for HostPlaces {
    fn default() -> Self {
        Places::default().of("")
    }
}

/// Takes somebody out of the line who was called, or went away.
struct Leave<'a> {
    of: &'a HostPlaces,
    kind: PlaceKind,
    ticket: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let leave = |line: &mut Line<Place>| line.leave(&self.of.host, self.ticket);
        self.of.places.change(self.kind, leave);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let give_back = |line: &mut Line<Place>| line.give_back(&self.host);
        let turns = self.places.change(self.kind, give_back);
        for (host, turn) in turns {
            // Whoever has gone away meanwhile drops it, and so gives it back.
            let places = self.places.clone();
            drop(turn.send(Self {
                places,
                host,
                kind: self.kind,
            }));
        }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Places");
        for kind in [PlaceKind::Server, PlaceKind::Local] {
            fields.field(&format!("{kind:?}"), &(self.used(kind), self.waiting(kind)));
        }
        fields.finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({:?} of {})", self.kind, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(total: usize, per_host: usize) -> Places {
        Places::new(PlacesOptions {
            total,
            per_host,
            queue: 2,
            wait: Duration::from_secs(5),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_and_not_for_ever() {
        let places = places(2, 1);
        let (slow, other) = (places.of("slow.example"), places.of("other.example"));
        let held = slow.take(PlaceKind::Server).await.expect("a place");
        let error = slow.take(PlaceKind::Server).await.expect_err("it is held");
        assert!(matches!(error, NoPlaceError::Waited { .. }), "{error}");
        assert_eq!(places.waiting(PlaceKind::Server), 0);
        other.take(PlaceKind::Server).await.expect("another host");
        slow.take(PlaceKind::Local).await.expect("another kind");
        let next = slow.take(PlaceKind::Server);
        tokio::pin!(next);
        assert!(futures_poll(&mut next).await.is_none());
        drop(held);
        next.await.expect("it is free");
        assert_eq!(places.used(PlaceKind::Server), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_leaves_no_gap() {
        let places = places(1, 1);
        let host = places.of("a.example");
        let held = host.take(PlaceKind::Local).await.expect("a place");
        {
            let gone = host.take(PlaceKind::Local);
            tokio::pin!(gone);
            assert!(futures_poll(&mut gone).await.is_none());
            assert_eq!(places.waiting(PlaceKind::Local), 1);
            tokio::time::timeout(Duration::from_millis(1), host.pressed())
                .await
                .expect("somebody waits");
            // It is called, and does not hear it.
            drop(held);
        }
        assert_eq!(
            (places.used(PlaceKind::Local), places.waiting(PlaceKind::Local)),
            (0, 0)
        );
        host.take(PlaceKind::Local).await.expect("a place");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_makes_room_in_the_line() {
        let places = places(1, 1);
        let host = places.of("a.example");
        let held = host.take(PlaceKind::Server).await.expect("a place");
        let nobody = || Attendance::new(|| false).over(host.take(PlaceKind::Server));
        let (first, second, wanted) = (nobody(), nobody(), host.take(PlaceKind::Server));
        tokio::pin!(first, second, wanted);
        for waits in [&mut first, &mut second] {
            assert!(futures_poll(waits).await.is_none());
        }
        assert!(futures_poll(&mut wanted).await.is_none());
        let error = first.await.expect_err("the other one came");
        assert!(matches!(error, NoPlaceError::Full { waiting: 2, .. }), "{error}");
        drop(held);
        drop(wanted.await.expect("first of all"));
        second.await.expect("and then this one");
    }

    /// What it has by now.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = std::future::ready(()) => None,
        }
    }
}
