//! What this node says of itself.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use stoa_registry::{Announcer, AnnouncerStanding, NodeState};
use tokio::sync::watch;

/// How long it is waited for that the registry has heard of a change.
const HEARD: Duration = Duration::from_millis(1_500);

/// What this node says of itself: whether it is announced, and whether an operator drains it. The last counts at once, whether
/// the registry has heard of it or not.
pub(super) struct OwnState {
    announcer: Mutex<Option<Arc<Announcer>>>,
    is_draining: watch::Sender<bool>,
}

impl Default for OwnState {
    fn default() -> Self {
        Self {
            announcer: Mutex::default(),
            is_draining: watch::Sender::new(false),
        }
    }
}

impl OwnState {
    /// From now on, this announces the node.
    pub(super) fn announce(&self, announcer: Arc<Announcer>) {
        *self.announcer.lock() = Some(announcer);
    }

    /// What announces the node, once it does.
    pub(super) fn announcer(&self) -> Option<Arc<Announcer>> {
        self.announcer.lock().clone()
    }

    /// Whether others can see it; `None` before it is announced.
    pub(super) fn standing(&self) -> Option<AnnouncerStanding> {
        let announcer = self.announcer()?;
        let standing = announcer.standing().borrow().clone();
        Some(standing)
    }

    /// Whether nodes are given here, by a list or a file, and none announces itself.
    pub(super) fn is_given(&self) -> bool {
        matches!(self.standing(), Some(AnnouncerStanding::Given))
    }

    /// Whether the registry has what the node says of itself.
    pub(super) fn is_told(&self) -> bool {
        self.is_given() || self.announcer().is_some_and(|announcer| announcer.is_known())
    }

    /// Whether an operator drains it.
    pub(super) fn is_draining(&self) -> bool {
        *self.is_draining.borrow()
    }

    /// Whether an operator drains it, as it changes.
    pub(super) fn draining(&self) -> watch::Receiver<bool> {
        self.is_draining.subscribe()
    }

    /// It begins as one that is drained: its last life was.
    pub(super) fn begin_draining(&self) {
        self.is_draining.send_replace(true);
    }

    /// Drains it, or does not any more. Whether the registry has heard of it; `None` if the node is not announced.
    pub(super) async fn drain(&self, is_draining: bool) -> Option<bool> {
        let announcer = self.announcer().filter(|_| !self.is_given())?;
        self.is_draining.send_replace(is_draining);
        announcer.update(|registration| registration.state = state(is_draining));
        let is_told = announcer.known(HEARD).await;
        tracing::info!(
            is_draining,
            is_told,
            "an operator drains this node, or does not any more"
        );
        Some(is_told)
    }
}

/// The state of a node that is drained, or is not any more.
pub(super) fn state(is_draining: bool) -> NodeState {
    if is_draining {
        NodeState::Draining
    } else {
        NodeState::Ready
    }
}

impl fmt::Debug for OwnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnState")
            .field("is_draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}
