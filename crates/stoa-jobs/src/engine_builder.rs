//! How an engine is put together.

use std::{collections::BTreeMap, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Engine, Gate, Handler, Kind, KindOptions, NoObserver, Observer, Store, engine_options::EngineOptions,
    housekeeper::Housekeeper, journal::Journal, renewer::Renewer, runner::Runner, runs::Runs,
    worker_pool::WorkerPool,
};

/// Puts an engine together; [`Engine::builder`] makes one.
#[derive(Debug)]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    options: EngineOptions,
    observer: Arc<dyn Observer>,
    kinds: BTreeMap<Kind, OfKind>,
}

#[derive(Debug)]
struct OfKind {
    handler: Arc<dyn Handler>,
    options: KindOptions,
    gate: Option<Gate>,
}

impl Engine {
    /// An engine for the jobs of `store`.
    pub fn builder(store: Arc<dyn Store>) -> EngineBuilder {
        EngineBuilder::new(store)
    }
}

impl EngineBuilder {
    fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            options: EngineOptions::default(),
            observer: Arc::new(NoObserver),
            kinds: BTreeMap::new(),
        }
    }

    /// Runs by these options.
    #[must_use]
    pub fn options(mut self, options: EngineOptions) -> Self {
        self.options = options;
        self
    }

    /// Tells `observer` what happens.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Runs jobs of `kind` by `handler`. A kind that has none is left to other nodes.
    #[must_use]
    pub fn handler(mut self, kind: Kind, handler: Arc<dyn Handler>, options: KindOptions) -> Self {
        let gate = None;
        self.kinds.insert(
            kind,
            OfKind {
                handler,
                options,
                gate,
            },
        );
        self
    }

    /// Starts jobs of `kind`, which has a handler already, only while `gate` is open.
    #[must_use]
    pub fn gate(mut self, kind: &Kind, gate: Gate) -> Self {
        if let Some(of_kind) = self.kinds.get_mut(kind) {
            of_kind.gate = Some(gate);
        }
        self
    }

    /// Starts the engine, whose tasks run until [`Engine::drain`]. It needs a tokio runtime.
    pub fn start(self) -> Engine {
        let Self {
            store,
            mut options,
            observer,
            kinds,
        } = self;
        options.node = format!("{}-{:08x}", options.node, fastrand::u32(..)).into();
        let (runs, tasks, upkeep) = (Arc::new(Runs::default()), TaskTracker::new(), TaskTracker::new());
        let (draining, ending) = (CancellationToken::new(), CancellationToken::new());
        let until_end = |work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            let ending = ending.clone();
            upkeep.spawn(async move {
                ending.run_until_cancelled(work).await;
            });
        };
        let renewer = Renewer {
            store: Arc::clone(&store),
            observer: Arc::clone(&observer),
            runs: Arc::clone(&runs),
            options: options.clone(),
        };
        until_end(Box::pin(renewer.renew()));
        let housekeeper = Housekeeper {
            store: Arc::clone(&store),
            observer: Arc::clone(&observer),
            lease: options.lease,
        };
        until_end(Box::pin(housekeeper.keep()));
        let journal = Arc::new(Journal::new(Arc::clone(&store), Arc::clone(&observer)));
        until_end(Box::pin(Arc::clone(&journal).follow()));
        let names = kinds.keys().cloned().collect();
        let gates = gates(&kinds);
        for (kind, of_kind) in kinds {
            let OfKind {
                handler,
                options: of_kind,
                gate,
            } = of_kind;
            let (store, observer) = (Arc::clone(&store), Arc::clone(&observer));
            let runner = Runner {
                handler,
                store,
                observer,
                timeout: of_kind.timeout,
            };
            let pool = WorkerPool {
                kind,
                options: of_kind,
                engine: options.clone(),
                runner,
                gate,
                runs: Arc::clone(&runs),
                tasks: tasks.clone(),
                draining: draining.clone(),
                ending: ending.clone(),
            };
            tasks.spawn(pool.work());
        }
        Engine {
            store,
            options,
            kinds: names,
            gates,
            journal,
            runs,
            tasks,
            upkeep,
            draining,
            ending,
        }
    }
}

/// The gates of the kinds that have one.
fn gates(kinds: &BTreeMap<Kind, OfKind>) -> BTreeMap<Kind, Gate> {
    let gates = kinds
        .iter()
        .filter_map(|(kind, of_kind)| Some((kind.clone(), of_kind.gate.clone()?)));
    gates.collect()
}
