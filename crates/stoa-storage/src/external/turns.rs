//! One after the other, for each version.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_module::ModuleVersion;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Gives those who change a version their turns. What has an entry is being changed or waited for, so that there are no
/// more entries than callers.
#[derive(Debug, Default)]
pub(super) struct Turns {
    of: Mutex<HashMap<ModuleVersion, Entry>>,
}

#[derive(Debug)]
struct Entry {
    turn: Arc<Semaphore>,
    callers: usize,
}

/// A caller's place among those who change a version: waiting, and then having the turn.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    target: ModuleVersion,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits until nobody else changes `target`.
    pub(super) async fn take(self: &Arc<Self>, target: &ModuleVersion) -> Turn {
        let turn = {
            let mut of = self.of.lock();
            let entry = of.entry(target.clone()).or_insert_with(|| Entry {
                turn: Arc::new(Semaphore::new(1)),
                callers: 0,
            });
            entry.callers += 1;
            Arc::clone(&entry.turn)
        };
        // Made before the wait, so that a caller that goes away is counted out.
        let mut mine = Turn {
            turns: Arc::clone(self),
            target: target.clone(),
            permit: None,
        };
        // Nobody closes the semaphore, so that there is always a permit.
        mine.permit = turn.acquire_owned().await.ok();
        mine
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.permit = None;
        let mut of = self.turns.of.lock();
        if let Some(entry) = of.get_mut(&self.target) {
            entry.callers -= 1;
            if entry.callers == 0 {
                of.remove(&self.target);
            }
        }
    }
}
