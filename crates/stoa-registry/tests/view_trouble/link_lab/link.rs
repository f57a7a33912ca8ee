//! A link that fails.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

/// A link to a registry. Clones are of the same one.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) way: Way,
    /// How often open watches were dropped.
    pub(crate) drops: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    Slow(Duration),
    Cut,
    Hung,
}

impl Link {
    pub(crate) fn new() -> Self {
        let state = State {
            way: Way::Open,
            drops: 0,
        };
        Self {
            state: Arc::new(watch::Sender::new(state)),
        }
    }

    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| {
            state.way = Way::Cut;
            state.drops += 1;
        });
    }

    pub(crate) fn hang(&self) {
        self.turn(Way::Hung);
    }

    pub(crate) fn slow(&self, delay: Duration) {
        self.turn(Way::Slow(delay));
    }

    pub(crate) fn heal(&self) {
        self.turn(Way::Open);
    }

    pub(crate) fn drop_watches(&self) {
        self.state.send_modify(|state| state.drops += 1);
    }

    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Waits until a call is through, or has failed.
    pub(crate) async fn pass(&self) -> Result<(), &'static str> {
        let mut state = self.state();
        loop {
            let way = state.borrow_and_update().way;
            match way {
                Way::Open => return Ok(()),
                Way::Slow(delay) => {
                    sleep(delay).await;
                    return Ok(());
                }
                Way::Cut => return Err("the link is cut"),
                // The sender is in the link.
                Way::Hung => drop(state.changed().await),
            }
        }
    }

    fn turn(&self, way: Way) {
        self.state.send_modify(|state| state.way = way);
    }
}
