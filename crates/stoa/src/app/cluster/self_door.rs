//! Whether others find this node where it says that it is.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use stoa_proxy::Peer;
use stoa_server::Condition;
use tokio::time::sleep;

use super::node::Me;

/// How often it is looked whether the address leads here.
const EVERY: Duration = Duration::from_secs(10);
/// How soon it is looked again after it did not.
const AGAIN: Duration = Duration::from_secs(2);

/// Knocks at the address of this node, as others do: one that leads to nobody, or to another node, is found out before
/// anybody has waited for it. It is no reason for being unready, because a machine may be unable to reach itself by the address
/// at which others reach it.
#[derive(Debug)]
pub(super) struct SelfDoor {
    me: Me,
    peer: Arc<dyn Peer>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether it led here when it was last looked.
    leads_here: Option<bool>,
    /// How often in a row it did not.
    misses: u32,
}

impl SelfDoor {
    /// Asks this node as another one by `peer`.
    pub(super) fn new(me: Me, peer: Arc<dyn Peer>) -> Self {
        Self {
            me,
            peer,
            state: Mutex::default(),
        }
    }

    /// Whether the address leads here; `None` before that is known.
    pub(super) fn leads_here(&self) -> Option<bool> {
        self.state.lock().leads_here
    }

    /// Looks now and then, and tells the log what changes. Never ends.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            let found = self.look().await;
            self.note(&found);
            sleep(if found.is_ok() { EVERY } else { AGAIN }).await;
        }
    }

    async fn look(&self) -> Result<(), String> {
        let answer = self.peer.knock().await.map_err(|error| error.to_string())?;
        if answer.instance == self.me.instance.to_string() {
            return Ok(());
        }
        Err(format!("another process answers there as {}", self.me.id))
    }

    fn note(&self, found: &Result<(), String>) {
        let mut state = self.state.lock();
        let before = state.leads_here;
        match found {
            Ok(()) => {
                *state = State {
                    leads_here: Some(true),
                    misses: 0,
                };
                if before == Some(false) {
                    tracing::info!(address = %self.me.address, "peer.advertise leads here again");
                }
            }
            Err(error) => {
                state.misses = state.misses.saturating_add(1);
                // Once may be an accident.
                if state.misses < 2 {
                    return;
                }
                state.leads_here = Some(false);
                if before != Some(false) {
                    tracing::warn!(address = %self.me.address, %error, "peer.advertise does not lead here: the other nodes cannot ask this one; correct it");
                }
            }
        }
    }
}

impl Condition for SelfDoor {
    fn check(&self) -> Result<Option<String>, String> {
        let Me { id, address, .. } = &self.me;
        let line = || {
            format!("cluster: announced as {id}, but {address} does not lead here: correct peer.advertise")
        };
        Ok((self.leads_here() == Some(false)).then(line))
    }
}
