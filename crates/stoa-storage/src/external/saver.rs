//! Saving versions while nobody waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use stoa_module::{ModulePath, ModuleVersion};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::both::Both;
use super::save::{Outcome, save};
use crate::error::StorageError;
use crate::remote_fault::RemoteFault;

/// Versions that are saved at a time.
const SAVES: usize = 4;
/// Modules in one page of a walk.
const PAGE: usize = 256;
/// Versions of which failures are remembered. Of more, some are offered again and again.
const MAX_FAILURES: usize = 4096;
/// How often a version is offered, before it waits for the owner to ask for it: some servers hang up on what is too large.
const OFFERS: u8 = 3;

/// What a walk through the waiting files did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Versions that the remote has now.
    pub saved: usize,
    /// Versions that it had already.
    pub existed: usize,
    /// Versions that it refused for good, as too large. They stay in the local storage, and are served from there.
    pub refused: usize,
}

/// Saves versions in the background, so many at a time. What waits for its turn waits in the local storage alone.
#[derive(Debug)]
pub(super) struct Saver {
    both: Arc<Both>,
    tasks: TaskTracker,
    stop: CancellationToken,
    room: Arc<Semaphore>,
    /// Something was left to be found by a walk.
    behind: AtomicBool,
    /// The remote was away, so that the next success is a reason to walk.
    failed: AtomicBool,
    /// How often it has failed to save which version.
    failures: Mutex<HashMap<ModuleVersion, u8>>,
}

impl Saver {
    pub(super) fn new(both: Arc<Both>, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            both,
            tasks,
            stop,
            room: Arc::new(Semaphore::new(SAVES)),
            behind: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failures: Mutex::default(),
        }
    }

    /// A file of `target` was stored: saves the version, if that was the last one, some time soon.
    pub(super) fn soon(self: &Arc<Self>, target: &ModuleVersion) {
        let Ok(mut permit) = Arc::clone(&self.room).try_acquire_owned() else {
            self.behind.store(true, Ordering::SeqCst);
            return;
        };
        let (saver, target, stop) = (Arc::clone(self), target.clone(), self.stop.clone());
        let saving = async move {
            // How it went has been noted, and what failed stays where it is.
            let _noted = saver.one(&target).await;
            loop {
                while saver.behind.swap(false, Ordering::SeqCst) {
                    let _noted = saver.walk().await;
                }
                drop(permit);
                // Somebody may have found no room between the last look and this moment.
                if !saver.behind.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(again) = Arc::clone(&saver.room).try_acquire_owned() else {
                    return;
                };
                permit = again;
            }
        };
        self.tasks
            .spawn(async move { stop.run_until_cancelled(saving).await });
    }

    /// Saves everything that waits with all files of its version, also what was refused before.
    pub(super) async fn settle(&self) -> Result<Settled, StorageError> {
        self.failures.lock().clear();
        self.walk().await
    }

    /// Goes through the local storage, and ends where the remote turns out to be away.
    async fn walk(&self) -> Result<Settled, StorageError> {
        let (mut settled, mut after) = (Settled::default(), None::<ModulePath>);
        loop {
            let page = self.both.local.modules(after.as_ref(), PAGE).await?;
            for module in &page {
                for stored in self.both.local.versions(module).await? {
                    let target = ModuleVersion::new(module.clone(), stored.version.clone());
                    let Some(target) = target.ok().filter(|_| stored.zip) else {
                        continue;
                    };
                    match self.one(&target).await {
                        Ok(Outcome::Saved) => settled.saved += 1,
                        Ok(Outcome::Existed) => settled.existed += 1,
                        Ok(Outcome::Incomplete) => {}
                        Err(error) if is_final(&error) => settled.refused += 1,
                        Err(error) => return Err(error),
                    }
                }
            }
            after = page.last().cloned();
            if page.len() < PAGE {
                return Ok(settled);
            }
        }
    }

    /// Saves one version that has not been given up, and notes how that went.
    async fn one(&self, target: &ModuleVersion) -> Result<Outcome, StorageError> {
        let _turn = self.both.turns.take(target).await;
        if self.is_given_up(target) {
            return Ok(Outcome::Incomplete);
        }
        let outcome = save(&self.both, target).await;
        match &outcome {
            Ok(Outcome::Saved | Outcome::Existed) => {
                if self.failed.swap(false, Ordering::SeqCst) {
                    self.behind.store(true, Ordering::SeqCst);
                }
            }
            Ok(Outcome::Incomplete) => {}
            Err(error) => {
                let (path, version) = (target.path(), target.version());
                tracing::warn!(
                    module = %path, %version, error = %error.report(),
                    "a version could not be saved to the external storage; it stays in the local one"
                );
                self.note_failure(target, is_final(error));
            }
        }
        outcome
    }

    fn note_failure(&self, target: &ModuleVersion, is_final: bool) {
        if !is_final {
            self.failed.store(true, Ordering::SeqCst);
        }
        let mut failures = self.failures.lock();
        if failures.len() < MAX_FAILURES || failures.contains_key(target) {
            let count = failures.entry(target.clone()).or_default();
            *count = if is_final { OFFERS } else { count.saturating_add(1) };
        }
    }

    fn is_given_up(&self, target: &ModuleVersion) -> bool {
        self.failures
            .lock()
            .get(target)
            .is_some_and(|count| *count >= OFFERS)
    }
}

/// Whether the remote will not take this version at another time either.
fn is_final(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Remote {
            fault: RemoteFault::TooLarge | RemoteFault::BadAnswer,
            ..
        }
    )
}
