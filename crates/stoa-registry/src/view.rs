//! A view of a registry that is always there.

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Followed, Registry, RegistryError, Revision, Seen, ServiceName, Snapshot, Source, ViewError, ViewOptions,
    ViewStats,
    name_view::NameView,
    negatives::Negatives,
    shared::{Looked, Looking, MOST_LOOKUPS, Shared, State},
    view_stats::add,
};

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
    alive: Arc<Alive>,
}

/// Ends what runs for a view when nobody has it any more.
#[derive(Debug)]
pub(crate) struct Alive(CancellationToken);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl View {
    /// A view of `registry`. It reads nothing before it is asked. Must be called within a runtime.
    pub fn new(registry: Arc<dyn Registry>, options: ViewOptions) -> Self {
        let negatives = Negatives::new(options.negative_ttl, options.negatives);
        let state = State {
            lookups: HashMap::new(),
            negatives,
            failed: HashMap::new(),
            watched_at: Revision::default(),
            is_watching_all: false,
            seed: options.seed,
        };
        let stop = CancellationToken::new();
        Self {
            alive: Arc::new(Alive(stop.clone())),
            shared: Arc::new(Shared {
                registry,
                options: Arc::new(options),
                names: ArcSwap::default(),
                state: Mutex::new(state),
                counters: Arc::default(),
                nudges: watch::Sender::new(0),
                tasks: TaskTracker::new(),
                stop,
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
        Followed::new(
            name,
            Arc::clone(&self.shared.options),
            Arc::clone(&self.alive) as _,
        )
    }

    /// The registry is back: whoever waits to ask it again asks now.
    pub fn nudge(&self) {
        self.shared.state.lock().failed.clear();
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
            // Somebody may have found it since this caller looked.
            if self.shared.names.load().contains_key(service) {
                return Ok(Looked::Found);
            }
            if let Some((until, error)) = state.failed.get(service)
                && *until > Instant::now()
            {
                return Ok(Looked::Failed(error.clone()));
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
                        let looking = Looking {
                            shared: Arc::clone(&shared),
                            service: service.clone(),
                        };
                        let found = shared.stop.run_until_cancelled(shared.look(&service)).await;
                        drop(looking);
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

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("registry", &self.shared.registry)
            .field("services", &self.shared.names.load().len())
            .finish_non_exhaustive()
    }
}
