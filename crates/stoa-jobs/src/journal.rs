//! What happens to jobs, for those who wait for it.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::{
    sync::{Notify, broadcast},
    time::{Instant, timeout_at},
};

use crate::{Event, Job, JobId, Observer, Store, StoreError, pause::Pause};

/// How many events are read in one question.
const PAGE: usize = 1_000;
/// How far behind a subscriber may be, in events.
const BEHIND: usize = 4_096;

/// Reads the events of the store once, however many wait for them on this node.
#[derive(Debug)]
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    observer: Arc<dyn Observer>,
    events: broadcast::Sender<Event>,
    waiting: Mutex<HashMap<JobId, Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    ended: Arc<Notify>,
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn Store>, observer: Arc<dyn Observer>) -> Self {
        let (events, _) = broadcast::channel(BEHIND);
        Self {
            store,
            observer,
            events,
            waiting: Mutex::default(),
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Follows the store for as long as anybody lets it.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut signal = self.store.signals().events;
        let mut pause = Pause::default();
        let mut after = None;
        loop {
            signal.borrow_and_update();
            let read = match after {
                Some(after) => self.store.events(after, PAGE).await,
                None => self.store.last_event().await.map(|last| {
                    after = Some(last);
                    Vec::new()
                }),
            };
            match read {
                Ok(events) => {
                    pause.reset();
                    let is_all = events.len() < PAGE;
                    for event in events {
                        after = Some(event.id);
                        self.tell(event);
                    }
                    if is_all && signal.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "events of jobs could not be read");
                    pause.wait().await;
                    // Some may have been missed for good, so everybody looks for himself.
                    for waiting in self.waiting.lock().values() {
                        waiting.ended.notify_waiters();
                    }
                }
            }
        }
    }

    fn tell(&self, event: Event) {
        self.observer.happened(&event);
        if event.to.has_ended()
            && let Some(waiting) = self.waiting.lock().get(&event.job)
        {
            waiting.ended.notify_waiters();
        }
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// The job as it is when it has ended, or at the deadline.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        id: &JobId,
        deadline: Instant,
    ) -> Result<Option<(Job, Option<Value>)>, StoreError> {
        let place = Place::take(self, id);
        loop {
            let ended = place.ended.notified();
            tokio::pin!(ended);
            // Whatever is told from now on counts, also while the job is being read.
            ended.as_mut().enable();
            let found = self.store.job(id).await?;
            let is_over = found.as_ref().is_none_or(|(job, _)| job.state.name().has_ended());
            if is_over || timeout_at(deadline, ended).await.is_err() {
                return if is_over {
                    Ok(found)
                } else {
                    self.store.job(id).await
                };
            }
        }
    }
}

/// One who waits for a job.
#[derive(Debug)]
struct Place {
    journal: Arc<Journal>,
    id: JobId,
    ended: Arc<Notify>,
}

impl Place {
    fn take(journal: &Arc<Journal>, id: &JobId) -> Self {
        let mut waiting = journal.waiting.lock();
        let entry = waiting.entry(id.clone()).or_default();
        entry.count += 1;
        let ended = Arc::clone(&entry.ended);
        drop(waiting);
        Self {
            journal: Arc::clone(journal),
            id: id.clone(),
            ended,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.journal.waiting.lock();
        if let Some(entry) = waiting.get_mut(&self.id) {
            entry.count -= 1;
            if entry.count == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}
