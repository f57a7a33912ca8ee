//! What happens, for listeners.

use std::{fmt, time::Duration};

use http::StatusCode;

use crate::{DispatchError, LaneKey, Transition};

/// Something that happened to a task or a lane. An owned value: it may be kept and sent anywhere.
///
/// Each task has exactly one `Queue` or `Reject`; after `Queue` exactly one `Start` or `Abandon`, never before it; after
/// `Start` exactly one `Finish`, when its body has been cleaned up.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which task. Numbers grow from 1 within one pool.
    pub task: u64,
    /// Which lane.
    pub lane: LaneKey,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// The task was taken: it has a permit, or a place in the queue.
    Queue,
    /// The task was not taken.
    Reject(DispatchError),
    /// The task has got its permit.
    Start {
        /// How long it waited for the permit.
        waited: Duration,
    },
    /// The task left the queue without a permit.
    Abandon(DispatchError),
    /// The task has ended.
    Finish {
        /// The status of the response, if one came, or why none did or it broke off.
        result: Result<Option<StatusCode>, DispatchError>,
        /// Since its start.
        took: Duration,
    },
    /// An attempt failed and is retried after a pause.
    Retry {
        /// Which retry, from 1.
        retry: u32,
        /// The pause.
        pause: Duration,
    },
    /// The server asked for a pause: its lane is throttled.
    Throttle {
        /// For so long.
        pause: Duration,
    },
    /// The breaker changed.
    Breaker(Transition),
}

/// Is called for each event.
///
/// It is called where things happen, so it must be quick and must not block; [`Forward`] hands events to another
/// task. A panic in it is caught and counted, and harms no task.
pub trait Listener: fmt::Debug + Send + Sync + 'static {
    /// `event` has happened.
    fn event(&self, event: &Event);
}

/// A listener that sends events into a bounded channel, and counts those that found it full.
#[derive(Debug)]
pub struct Forward {
    sender: tokio::sync::mpsc::Sender<Event>,
    dropped: std::sync::atomic::AtomicU64,
}

impl Forward {
    /// A listener, and the other end of a channel for `capacity` events (at least one).
    pub fn new(capacity: usize) -> (Self, tokio::sync::mpsc::Receiver<Event>) {
        let (sender, receiver) = tokio::sync::mpsc::channel(capacity.max(1));
        let dropped = std::sync::atomic::AtomicU64::new(0);
        (Self { sender, dropped }, receiver)
    }

    /// Events that were lost because the channel was full or its receiver had gone.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Listener for Forward {
    fn event(&self, event: &Event) {
        if self.sender.try_send(event.clone()).is_err() {
            self.dropped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
