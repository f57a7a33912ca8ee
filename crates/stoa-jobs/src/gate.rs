//! What keeps a kind of jobs from being started on a node.

use tokio::sync::watch;

use crate::Failure;

/// Whether jobs of a kind may be started on this node: while a disk is full, for example, they may not. They wait, and are
/// charged nothing.
#[derive(Clone, Debug)]
pub struct Gate {
    closed: watch::Receiver<Option<Failure>>,
}

impl Gate {
    /// A gate that is open, and what closes it: with the reason as its value it is closed, with none it is open.
    pub fn new() -> (watch::Sender<Option<Failure>>, Self) {
        let (sender, closed) = watch::channel(None);
        (sender, Self { closed })
    }

    /// Why nothing may be started.
    pub fn closed(&self) -> Option<Failure> {
        self.closed.borrow().clone()
    }

    /// Waits until it is opened or closed. One whose other end is gone stays as it is.
    pub(crate) async fn changed(&mut self) {
        if self.closed.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
