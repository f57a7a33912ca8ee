//! How urgent a piece of work is at this moment.

use std::{fmt, future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};

/// How much it matters that work starts soon. The order is the order of the permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A caller waits for it.
    #[default]
    Interactive,
    /// No caller waits for it. It takes at most three tenths of a lane's permits, and starts after everything interactive.
    Background,
}

/// The class of a piece of work, shared by all callers that wait for it. Clones are the same urgency.
///
/// Work for one caller has a [fixed](Self::fixed) class. Work that several callers can join has a
/// [shared](Self::shared) one: each interactive caller holds an [`Interest`] for as long as it waits, and the queues that
/// the work stands in follow the change. Cancelling any of the futures here leaves nothing behind.
#[derive(Clone)]
pub struct Urgency(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Class),
    Shared(Arc<watch::Sender<Callers>>),
}

/// The callers of a piece of work at this moment.
#[derive(Clone, Copy, Debug, Default)]
struct Callers {
    /// Interests that live now.
    interested: usize,
    /// Callers of any class that wait now.
    waiting: usize,
    /// Whether there has ever been one.
    ever: bool,
}

impl Callers {
    fn class(&self) -> Class {
        if self.interested == 0 {
            Class::Background
        } else {
            Class::Interactive
        }
    }

    fn standing(&self) -> (Class, bool) {
        (self.class(), self.have_left())
    }

    fn have_left(&self) -> bool {
        self.ever && self.interested == 0 && self.waiting == 0
    }
}

/// Keeps a shared urgency interactive until it is dropped.
#[must_use = "the urgency falls back as soon as this is dropped"]
pub struct Interest(Option<Arc<watch::Sender<Callers>>>);

/// A caller that waits, until it is dropped.
struct Attendance<'a>(&'a watch::Sender<Callers>);

impl Urgency {
    /// The same class for as long as the work lives. Allocates nothing.
    pub const fn fixed(class: Class) -> Self {
        Self(Kind::Fixed(class))
    }

    /// Background, until [`Self::raise`] makes it interactive.
    pub fn shared() -> Self {
        Self(Kind::Shared(Arc::new(watch::Sender::new(Callers::default()))))
    }

    /// The highest class of those that wait now.
    pub fn class(&self) -> Class {
        match &self.0 {
            Kind::Fixed(class) => *class,
            Kind::Shared(callers) => callers.borrow().class(),
        }
    }

    /// Makes a shared urgency interactive until the guard is dropped. A fixed one stays as it is.
    pub fn raise(&self) -> Interest {
        let Kind::Shared(callers) = &self.0 else {
            return Interest(None);
        };
        change(callers, |callers| {
            callers.interested = callers.interested.saturating_add(1);
            callers.ever = true;
        });
        Interest(Some(Arc::clone(callers)))
    }

    /// Resolves when all callers of shared work have been gone for as long as `grace`: never before the first one came,
    /// and never for a fixed urgency.
    pub async fn abandoned(&self, grace: Duration) {
        let Kind::Shared(callers) = &self.0 else {
            return std::future::pending().await;
        };
        let mut watching = callers.subscribe();
        loop {
            // An error would mean that the sender is gone, but `self` holds it.
            let left = watching.wait_for(Callers::have_left).await.is_ok();
            debug_assert!(left, "the sender lives in self");
            let back = watching.wait_for(|callers| !callers.have_left());
            if timeout(grace, back).await.is_err() {
                return;
            }
        }
    }

    /// Resolves as soon as the class is another one than `from`: at once if it is already, never if it is fixed to
    /// `from`.
    pub async fn changed(&self, from: Class) {
        match &self.0 {
            Kind::Fixed(class) if *class != from => {}
            Kind::Fixed(_) => std::future::pending().await,
            Kind::Shared(callers) => {
                let mut watching = callers.subscribe();
                // An error would mean that the sender is gone, but `self` holds it.
                let changed = watching.wait_for(|callers| callers.class() != from).await;
                debug_assert!(changed.is_ok(), "the sender lives in self");
            }
        }
    }

    /// Runs `work`, and keeps `to` raised for exactly as long as `self` is interactive meanwhile. For shared work that
    /// needs other shared work: a caller that waits for the first waits for the second, too.
    ///
    /// Lending to itself is only running `work`. Do not lend in a circle of several: they would keep one another raised.
    pub async fn lend<F: Future>(&self, to: &Self, work: F) -> F::Output {
        let mut work = pin!(work);
        if self.is_same(to) {
            return work.await;
        }
        // A caller whose own callers have left is one of those that came and went.
        let mut attendance = to.attend();
        loop {
            let now = self.standing();
            let (class, left) = now;
            let _interest = (class == Class::Interactive).then(|| to.raise());
            match (left, &attendance) {
                (true, _) => attendance = None,
                (false, None) => attendance = to.attend(),
                (false, Some(_)) => {}
            }
            tokio::select! {
                // The class first, so that whatever `work` does now is done with the class of now.
                biased;
                () = self.moved(now) => {}
                output = &mut work => return output,
            }
        }
    }

    /// Its class, and whether its callers have left.
    fn standing(&self) -> (Class, bool) {
        match &self.0 {
            Kind::Fixed(class) => (*class, false),
            Kind::Shared(callers) => callers.borrow().standing(),
        }
    }

    /// Resolves as soon as it stands otherwise than `from`.
    async fn moved(&self, from: (Class, bool)) {
        let Kind::Shared(callers) = &self.0 else {
            return std::future::pending().await;
        };
        let mut watching = callers.subscribe();
        // An error would mean that the sender is gone, but `self` holds it.
        let moved = watching.wait_for(|callers| callers.standing() != from).await;
        debug_assert!(moved.is_ok(), "the sender lives in self");
    }

    fn attend(&self) -> Option<Attendance<'_>> {
        let Kind::Shared(callers) = &self.0 else {
            return None;
        };
        change(callers, |callers| {
            callers.waiting = callers.waiting.saturating_add(1);
            callers.ever = true;
        });
        Some(Attendance(callers))
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Shared(one), Kind::Shared(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Changes who waits, and wakes the watchers only if something follows from it.
fn change(callers: &watch::Sender<Callers>, change: impl FnOnce(&mut Callers)) {
    callers.send_if_modified(|callers| {
        let before = callers.standing();
        change(callers);
        callers.standing() != before
    });
}

impl Default for Urgency {
    fn default() -> Self {
        Self::fixed(Class::Interactive)
    }
}

impl From<Class> for Urgency {
    fn from(class: Class) -> Self {
        Self::fixed(class)
    }
}

impl fmt::Debug for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Fixed(class) => write!(f, "Fixed({class:?})"),
            Kind::Shared(callers) => write!(f, "Shared({} interested)", callers.borrow().interested),
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        if let Some(callers) = &self.0 {
            change(callers, |callers| {
                callers.interested = callers.interested.saturating_sub(1);
            });
        }
    }
}

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        change(self.0, |callers| {
            callers.waiting = callers.waiting.saturating_sub(1);
        });
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.0.is_some();
        f.debug_struct("Interest")
            .field("shared", &shared)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
