//! A service that is kept known.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use crate::{Seen, Snapshot, Source, ViewOptions, name_view::NameView};

/// A service that is kept known as long as this handle, or a clone, is there.
#[derive(Debug)]
pub struct Followed {
    name: Arc<NameView>,
    options: Arc<ViewOptions>,
    changes: watch::Receiver<u64>,
    /// The view lives as long as this.
    alive: Arc<dyn fmt::Debug + Send + Sync>,
}

impl Followed {
    pub(crate) fn new(
        name: Arc<NameView>,
        options: Arc<ViewOptions>,
        alive: Arc<dyn fmt::Debug + Send + Sync>,
    ) -> Self {
        let mut changes = name.changes();
        // What is known already is the first change.
        changes.mark_changed();
        Self {
            name,
            options,
            changes,
            alive,
        }
    }

    /// What is known now. It takes no lock and allocates nothing.
    pub fn load(&self) -> Arc<Snapshot> {
        self.name.load()
    }

    /// What is known now, and how well.
    pub fn seen(&self) -> Seen {
        self.name.seen()
    }

    /// Whether what is known is older than the view may tell.
    pub fn is_too_old(&self) -> bool {
        let is_old = matches!(self.name.source(), Source::Stale | Source::Disk | Source::Unread);
        is_old && self.options.max_stale.is_some_and(|most| self.name.age() > most)
    }

    /// Waits until something is known of it: from the registry, for as long as `wait`; after that, from the disk too. Whether
    /// there is.
    pub async fn ready(&mut self, wait: Duration) -> bool {
        let mut changes = self.name.changes();
        let read = async {
            while !matches!(self.name.source(), Source::Read | Source::Watched) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        let _late = timeout(wait, read).await;
        self.name.source() != Source::Unread
    }

    /// Waits until something else is known, or it is known in another way. What is known when the handle is made counts
    /// as the first change. Several changes in a row may be one.
    pub async fn changed(&mut self) {
        // The sender lives in the name that this handle holds.
        let _never = self.changes.changed().await;
    }
}

impl Clone for Followed {
    fn clone(&self) -> Self {
        self.name.followers.fetch_add(1, Ordering::AcqRel);
        let alive = Arc::clone(&self.alive);
        Self::new(Arc::clone(&self.name), Arc::clone(&self.options), alive)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.name.followers.fetch_sub(1, Ordering::AcqRel);
    }
}
