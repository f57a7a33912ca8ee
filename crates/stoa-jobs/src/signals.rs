//! How a store wakes those who wait for it.

use tokio::sync::watch;

/// Counters that go up when something has happened. A node waits for one of them to change instead of asking again and again.
#[derive(Clone, Debug)]
pub struct Signals {
    /// A job may have become ready, a slot free, or a limit higher.
    pub work: watch::Receiver<u64>,
    /// Something was said to jobs that run: one was cancelled.
    pub control: watch::Receiver<u64>,
    /// There are new events.
    pub events: watch::Receiver<u64>,
}

/// The other end of [`Signals`], for adapters.
#[derive(Debug)]
pub struct Wakers {
    work: watch::Sender<u64>,
    control: watch::Sender<u64>,
    events: watch::Sender<u64>,
}

impl Default for Wakers {
    fn default() -> Self {
        Self {
            work: watch::Sender::new(0),
            control: watch::Sender::new(0),
            events: watch::Sender::new(0),
        }
    }
}

impl Wakers {
    /// A job may have become ready, a slot free, or a limit higher.
    pub fn work(&self) {
        self.work.send_modify(|count| *count += 1);
    }

    /// Something was said to jobs that run.
    pub fn control(&self) {
        self.control.send_modify(|count| *count += 1);
    }

    /// There are new events.
    pub fn events(&self) {
        self.events.send_modify(|count| *count += 1);
    }

    /// What those who wait hold.
    pub fn signals(&self) -> Signals {
        Signals {
            work: self.work.subscribe(),
            control: self.control.subscribe(),
            events: self.events.subscribe(),
        }
    }
}
