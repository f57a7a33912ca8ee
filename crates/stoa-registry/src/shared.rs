//! What the clones of a view share.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Change, Listing, Registry, RegistryError, Revision, Scope, ServiceName, Snapshot, Source, ViewOptions,
    Watching,
    disk::SnapshotDirectory,
    keeper::{Keeper, keep_on_disk},
    name_view::NameView,
    negatives::Negatives,
    pause::Pause,
    view_stats::{ViewCounters, add},
};

/// The most services that are kept known for those who only asked about them.
const MOST_NAMES: usize = 10_000;
/// For how long it is believed that the registry cannot tell about a service of which nothing is known.
const FAILED_FOR: Duration = Duration::from_millis(250);
/// The most services of which nothing is known yet that are looked up at once.
pub(crate) const MOST_LOOKUPS: usize = 1_024;

/// Takes a lookup out when it has ended, also by a panic of the registry.
pub(crate) struct Looking {
    pub(crate) shared: Arc<Shared>,
    pub(crate) service: ServiceName,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.shared.state.lock().lookups.remove(&self.service);
    }
}

/// What the clones of a view and its tasks share.
pub(crate) struct Shared {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) options: Arc<ViewOptions>,
    pub(crate) names: ArcSwap<Names>,
    /// Held while `names` or `lookups` change, and never over a wait.
    pub(crate) state: Mutex<State>,
    pub(crate) counters: Arc<ViewCounters>,
    pub(crate) nudges: watch::Sender<u64>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

pub(crate) type Names = HashMap<ServiceName, Arc<Kept>, FixedState>;

/// A service that is kept.
pub(crate) struct Kept {
    pub(crate) name: Arc<NameView>,
    pub(crate) stop: CancellationToken,
}

pub(crate) struct State {
    pub(crate) lookups: HashMap<ServiceName, watch::Receiver<Option<Looked>>>,
    pub(crate) negatives: Negatives,
    /// What came of looking for services a moment ago while the registry was away.
    pub(crate) failed: HashMap<ServiceName, (Instant, RegistryError)>,
    /// How far the task has come that watches for nodes of unknown services.
    pub(crate) watched_at: Revision,
    /// Whether a task watches for nodes of unknown services.
    pub(crate) is_watching_all: bool,
    pub(crate) seed: u64,
}

/// What came of a look for a service.
#[derive(Clone, Debug)]
pub(crate) enum Looked {
    Found,
    Unknown,
    Failed(RegistryError),
}

impl Shared {
    pub(crate) async fn look(self: &Arc<Self>, service: &ServiceName) -> Looked {
        add(&self.counters.reads, 1);
        let read = timeout(self.options.initial_wait, self.registry.get(service)).await;
        let read = read.unwrap_or_else(|_elapsed| {
            let reason = format!("it did not answer within {:?}", self.options.initial_wait);
            Err(RegistryError::away(&self.registry, reason))
        });
        match read {
            Ok(listing) if listing.entries.is_empty() => {
                self.note_unknown(service.clone(), listing.revision);
                Looked::Unknown
            }
            Ok(_) if self.names.load().len() >= MOST_NAMES => {
                let reason = format!("{MOST_NAMES} services are kept already, and that is the most");
                Looked::Failed(RegistryError::invalid(reason))
            }
            Ok(listing) => {
                self.keep(service, Some(listing));
                Looked::Found
            }
            Err(error) => {
                add(&self.counters.failed_reads, 1);
                self.note_failed(service, &error);
                Looked::Failed(error)
            }
        }
    }

    /// Keeps a service, which may have been read already.
    pub(crate) fn keep(self: &Arc<Self>, service: &ServiceName, listing: Option<Listing>) -> Arc<NameView> {
        let is_followed = listing.is_none();
        let mut state = self.state.lock();
        if let Some(kept) = self.names.load().get(service) {
            if let Some(listing) = listing {
                // Somebody has begun to follow it while it was looked for.
                kept.name.hand(listing);
            } else {
                kept.name.followers.fetch_add(1, Ordering::AcqRel);
            }
            return Arc::clone(&kept.name);
        }
        let name = Arc::new(NameView::new(service.clone()));
        if is_followed {
            name.followers.fetch_add(1, Ordering::AcqRel);
        }
        let mut looked = state.lookups.get(service).filter(|_| is_followed).cloned();
        state.seed = state.seed.wrapping_add(1);
        let keeper = Keeper {
            registry: Arc::clone(&self.registry),
            name: Arc::clone(&name),
            options: Arc::clone(&self.options),
            counters: Arc::clone(&self.counters),
            nudges: self.nudges.subscribe(),
            pause: Pause::new(self.options.backoff, self.options.backoff_max, state.seed),
        };
        let stop = self.stop.child_token();
        let kept = Arc::new(Kept {
            name: Arc::clone(&name),
            stop: stop.clone(),
        });
        if let Some(listing) = &listing {
            // Who asked for it is told without waiting for its task.
            let nodes = listing.entries.iter().map(|entry| crate::SeenNode {
                registration: entry.registration.clone(),
                standing: crate::Standing::Live,
            });
            let valid = nodes.filter(|node| self.options.validate.check(&node.registration).is_ok());
            let snapshot = Snapshot {
                service: service.clone(),
                nodes: valid.collect(),
                revision: listing.revision,
            };
            name.publish(snapshot, Source::Read);
        }
        let mut names = Names::clone(&self.names.load());
        names.insert(service.clone(), kept);
        self.names.store(Arc::new(names));
        let (shared, kept_name) = (Arc::clone(self), Arc::clone(&name));
        let directory = self.options.snapshots.clone();
        self.tasks.spawn(async move {
            let looked = async {
                if let Some(looked) = looked.as_mut() {
                    let _stopped = looked.wait_for(Option::is_some).await;
                }
            };
            let on_disk = async {
                match directory {
                    Some(directory) => {
                        keep_on_disk(Arc::clone(&kept_name), SnapshotDirectory::new(directory)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = keeper.run(listing, looked) => {}
                () = on_disk => {}
                () = shared.until_idle(&kept_name) => {}
            }
        });
        name
    }

    /// Waits until a service is neither followed nor asked about, and takes it out.
    async fn until_idle(&self, name: &Arc<NameView>) {
        loop {
            sleep(self.options.idle).await;
            let _state = self.state.lock();
            if name.followers.load(Ordering::Acquire) > 0 || name.was_used() {
                continue;
            }
            let mut names = Names::clone(&self.names.load());
            if let Some(kept) = names.remove(&name.service) {
                kept.stop.cancel();
            }
            self.names.store(Arc::new(names));
            return;
        }
    }

    /// Remembers for a moment that nobody can tell, so that many who ask do not all ask a registry that is away.
    fn note_failed(&self, service: &ServiceName, error: &RegistryError) {
        let mut state = self.state.lock();
        let now = Instant::now();
        if state.failed.len() >= MOST_LOOKUPS {
            state.failed.retain(|_, (until, _)| *until > now);
        }
        if state.failed.len() < MOST_LOOKUPS {
            let until = now + FAILED_FOR.min(self.options.negative_ttl);
            state.failed.insert(service.clone(), (until, error.clone()));
        }
    }

    /// Remembers that there is no such service, and sees to it that somebody hears when there is.
    fn note_unknown(self: &Arc<Self>, service: ServiceName, revision: Revision) {
        let mut state = self.state.lock();
        // The watch may have told of a node of it while it was looked for.
        if state.is_watching_all && state.watched_at > revision {
            return;
        }
        state.negatives.insert(service, Instant::now());
        let is_watchable = self.registry.abilities().watching == Watching::All;
        if is_watchable && !state.is_watching_all && !self.options.negative_ttl.is_zero() {
            state.is_watching_all = true;
            state.watched_at = revision;
            let shared = Arc::clone(self);
            self.tasks.spawn(async move {
                let stop = shared.stop.clone();
                stop.run_until_cancelled(shared.watch_for_unknown(revision)).await;
            });
        }
    }

    /// Ends negative entries when nodes come, as long as there are any.
    async fn watch_for_unknown(&self, revision: Revision) {
        add(&self.counters.watches, 1);
        let watch = timeout(
            self.options.read_timeout,
            self.registry.watch(&Scope::All, revision),
        )
        .await;
        let mut watch = watch.ok().and_then(Result::ok);
        loop {
            let last = {
                let mut state = self.state.lock();
                state.negatives.sweep(Instant::now());
                match state.negatives.last() {
                    Some(last) if watch.is_some() => last,
                    // Without a watch nobody would hear of a node, so that nothing stays believed.
                    _ => {
                        if watch.is_none() {
                            state.negatives.clear();
                        }
                        state.is_watching_all = false;
                        return;
                    }
                }
            };
            let Some(alive) = watch.as_mut() else { continue };
            tokio::select! {
                change = timeout(self.options.silence, alive.next()) => match change.unwrap_or_else(|_elapsed| {
                    Err(RegistryError::away(&self.registry, "a watch was silent"))
                }) {
                    Ok(Change::Batch { revision, events }) => {
                        let mut state = self.state.lock();
                        state.watched_at = state.watched_at.max(revision);
                        for event in &events {
                            state.negatives.remove(event.service());
                        }
                    }
                    Ok(Change::Bookmark { .. }) => {}
                    Ok(Change::Lost { .. }) | Err(_) => watch = None,
                },
                () = sleep_until(last) => {}
            }
        }
    }
}
