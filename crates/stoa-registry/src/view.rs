//! A view of a registry that is always there.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, atomic::Ordering},
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
    Change, Followed, Listing, Registry, RegistryError, Revision, Scope, Seen, ServiceName, Snapshot, Source,
    ViewError, ViewOptions, ViewStats, Watching,
    disk::SnapshotDirectory,
    keeper::{Keeper, keep_on_disk},
    name_view::NameView,
    negatives::Negatives,
    pause::Pause,
    view_stats::{ViewCounters, add},
};

/// The most services of which nothing is known yet that are looked up at once.
const MOST_LOOKUPS: usize = 1_024;

/// A view of a registry that is always there. Clones are of the same one.
///
/// * A service is read once and then watched, from the revision of that read, however many ask. What is known is told at
///   once, without a lock, whether the registry is there or not, and says how old it is and how it came to be known.
/// * A service that is [followed](Self::follow) is watched until its handle is dropped; one that was only
///   [asked about](Self::get) until nobody has asked for a while. One that is unknown is not watched: it is known to be unknown
///   for a moment, and one watch of everything, shared by all of these, ends that when a node of it comes.
/// * When most of the nodes vanish at once, somebody has rather emptied the registry than stopped them; they stay for a while.
/// * Several services do not share a fate: each has its own state, error and pauses.
#[derive(Clone)]
pub struct View {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    registry: Arc<dyn Registry>,
    options: Arc<ViewOptions>,
    names: ArcSwap<Names>,
    /// Held while `names` or `lookups` change, and never over a wait.
    state: Mutex<State>,
    counters: Arc<ViewCounters>,
    nudges: watch::Sender<u64>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

type Names = HashMap<ServiceName, Arc<Kept>, FixedState>;

/// A service that is kept.
struct Kept {
    name: Arc<NameView>,
    stop: CancellationToken,
}

struct State {
    lookups: HashMap<ServiceName, watch::Receiver<Option<Looked>>>,
    negatives: Negatives,
    /// Whether a task watches for nodes of unknown services.
    is_watching_all: bool,
    seed: u64,
}

/// What came of a look for a service.
#[derive(Clone, Debug)]
enum Looked {
    Found,
    Unknown,
    Failed(RegistryError),
}

impl View {
    /// A view of `registry`. It reads nothing before it is asked. Must be called within a runtime.
    pub fn new(registry: Arc<dyn Registry>, options: ViewOptions) -> Self {
        let negatives = Negatives::new(options.negative_ttl, options.negatives);
        let state = State {
            lookups: HashMap::new(),
            negatives,
            is_watching_all: false,
            seed: options.seed,
        };
        Self {
            shared: Arc::new(Shared {
                registry,
                options: Arc::new(options),
                names: ArcSwap::default(),
                state: Mutex::new(state),
                counters: Arc::default(),
                nudges: watch::Sender::new(0),
                tasks: TaskTracker::new(),
                stop: CancellationToken::new(),
            }),
        }
    }

    /// What is known of a service now; `None` if it is not kept. It takes no lock and allocates nothing.
    pub fn load(&self, service: &ServiceName) -> Option<Arc<Snapshot>> {
        let names = self.shared.names.load();
        names.get(service).map(|kept| kept.name.load())
    }

    /// The nodes of a service: as they are known, or, if nothing is known of it, as the registry tells them.
    ///
    /// # Errors
    ///
    /// [`ViewError::Unknown`] only if the registry says so; a registry that is away is another error.
    pub async fn get(&self, service: &ServiceName) -> Result<Seen, ViewError> {
        let known = self
            .shared
            .names
            .load()
            .get(service)
            .map(|kept| Arc::clone(&kept.name));
        if let Some(name) = known {
            return self.told(&name).await;
        }
        match self.look(service).await? {
            Looked::Unknown => Err(ViewError::Unknown(service.clone())),
            Looked::Failed(error) => Err(ViewError::Unread {
                service: service.clone(),
                error,
            }),
            Looked::Found => {
                let kept = self
                    .shared
                    .names
                    .load()
                    .get(service)
                    .map(|kept| Arc::clone(&kept.name));
                match kept {
                    Some(name) => self.told(&name).await,
                    None => Err(ViewError::Unknown(service.clone())),
                }
            }
        }
    }

    /// Keeps a service known from now on, until the handle and its clones are dropped.
    pub fn follow(&self, service: &ServiceName) -> Followed {
        let name = self.shared.keep(service, None);
        Followed::new(name, Arc::clone(&self.shared.options))
    }

    /// The registry is back: whoever waits to ask it again asks now.
    pub fn nudge(&self) {
        self.shared.nudges.send_modify(|nudges| *nudges += 1);
    }

    /// What it has done.
    pub fn stats(&self) -> ViewStats {
        self.shared.counters.read()
    }

    /// Services that are kept known, each with what is known of it.
    pub fn services(&self) -> Vec<Seen> {
        let names = self.shared.names.load();
        let mut all: Vec<_> = names.values().map(|kept| kept.name.seen()).collect();
        all.sort_by(|one, other| one.snapshot.service.cmp(&other.snapshot.service));
        all
    }

    /// How many services are known to be unknown.
    pub fn negatives(&self) -> usize {
        let mut state = self.shared.state.lock();
        state.negatives.sweep(Instant::now());
        state.negatives.len()
    }

    /// How many tasks run for it.
    pub fn tasks(&self) -> usize {
        self.shared.tasks.len()
    }

    /// Ends everything that runs for it, at once. What is known can still be loaded.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// What is known of a service that is kept, if it is fresh enough.
    async fn told(&self, name: &NameView) -> Result<Seen, ViewError> {
        let options = &self.shared.options;
        if name.source() == Source::Unread && name.error().is_none() {
            let mut changes = name.changes();
            let read = async {
                while name.source() == Source::Unread && name.error().is_none() {
                    if changes.changed().await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                _ = timeout(options.initial_wait, read) => {}
                () = self.shared.stop.cancelled() => return Err(ViewError::Stopped),
            }
        }
        let seen = name.seen();
        let service = || name.service.clone();
        match seen.source {
            Source::Unread => Err(ViewError::Unread {
                service: service(),
                error: seen
                    .error
                    .unwrap_or_else(|| RegistryError::away(&self.shared.registry, "it has not answered yet")),
            }),
            Source::Stale | Source::Disk if options.max_stale.is_some_and(|most| seen.age > most) => {
                Err(ViewError::TooOld {
                    service: service(),
                    age: seen.age,
                    error: seen.error,
                })
            }
            source => {
                if matches!(source, Source::Stale | Source::Disk) {
                    add(&self.shared.counters.stale_answers, 1);
                } else if seen.snapshot.nodes.is_empty() {
                    return Err(ViewError::Unknown(service()));
                }
                Ok(seen)
            }
        }
    }

    /// Looks for a service of which nothing is known, once for all who ask.
    async fn look(&self, service: &ServiceName) -> Result<Looked, ViewError> {
        let mut looked = {
            let mut state = self.shared.state.lock();
            if state.negatives.has(service, Instant::now()) {
                return Ok(Looked::Unknown);
            }
            match state.lookups.get(service) {
                Some(looked) => looked.clone(),
                None if self.shared.stop.is_cancelled() => return Err(ViewError::Stopped),
                None if state.lookups.len() >= MOST_LOOKUPS => return Err(ViewError::Overloaded),
                None => {
                    let (tell, looked) = watch::channel(None);
                    state.lookups.insert(service.clone(), looked.clone());
                    let (shared, service) = (Arc::clone(&self.shared), service.clone());
                    self.shared.tasks.spawn(async move {
                        let looking = shared.look(&service);
                        let found = shared.stop.run_until_cancelled(looking).await;
                        shared.state.lock().lookups.remove(&service);
                        if let Some(found) = found {
                            tell.send_replace(Some(found));
                        }
                    });
                    looked
                }
            }
        };
        match looked.wait_for(Option::is_some).await {
            Ok(looked) => looked.clone().ok_or(ViewError::Stopped),
            Err(_stopped) => Err(ViewError::Stopped),
        }
    }
}

impl Shared {
    async fn look(self: &Arc<Self>, service: &ServiceName) -> Looked {
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
            Ok(listing) => {
                self.keep(service, Some(listing));
                Looked::Found
            }
            Err(error) => {
                add(&self.counters.failed_reads, 1);
                Looked::Failed(error)
            }
        }
    }

    /// Keeps a service, which may have been read already.
    fn keep(self: &Arc<Self>, service: &ServiceName, listing: Option<Listing>) -> Arc<NameView> {
        let is_followed = listing.is_none();
        let mut state = self.state.lock();
        if let Some(kept) = self.names.load().get(service) {
            if is_followed {
                kept.name.followers.fetch_add(1, Ordering::AcqRel);
            }
            return Arc::clone(&kept.name);
        }
        let name = Arc::new(NameView::new(service.clone()));
        if is_followed {
            name.followers.fetch_add(1, Ordering::AcqRel);
        }
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
        let directory = self.options.snapshots.clone().filter(|_| is_followed);
        self.tasks.spawn(async move {
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
                () = keeper.run(listing) => {}
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

    /// Remembers that there is no such service, and sees to it that somebody hears when there is.
    fn note_unknown(self: &Arc<Self>, service: ServiceName, revision: Revision) {
        let mut state = self.state.lock();
        state.negatives.insert(service, Instant::now());
        let is_watchable = self.registry.abilities().watching == Watching::All;
        if is_watchable && !state.is_watching_all && !self.options.negative_ttl.is_zero() {
            state.is_watching_all = true;
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
                change = alive.next() => match change {
                    Ok(Change::Batch { events, .. }) => {
                        let mut state = self.state.lock();
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

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("registry", &self.shared.registry)
            .field("services", &self.shared.names.load().len())
            .finish_non_exhaustive()
    }
}
