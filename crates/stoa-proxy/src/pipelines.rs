//! The one place where the layers are put together: a function for each pipeline, whose order is the design.
//!
//! The binary and the tests call the same functions, so that what is tested is what ships. Each layer prints itself, and
//! tests hold the printed order.

use std::{sync::Arc, time::Duration};

use stoa_fetch::{Chain, Fetcher, HttpClient, Limits, Route, Routes, UpstreamList};
use stoa_module::PatternList;
use stoa_storage::{Records, Storage};
use stoa_sumdb::VerifierKey;
use stoa_telemetry::Part;
use tokio_util::task::TaskTracker;

use crate::{
    Admission, BreakMetrics, ChecksumDatabase, DatabaseAdapter, DownloadMode, FetchAndSave, FetchMetrics,
    IndexNotes, Ingest, Metered, Modes, NetworkMode, NotedUses, Offline, OwnerRoute, PeerMetrics, Peers,
    Pool, PrivateGate, Protocol, Refreshes, Remote, ResolvedInfo, Resumed, RevalidationCache,
    RevalidationOptions, SingleFlight, Stash, Stasher, StorageFirst, StoredElsewhere, SumFlight, SumMemory,
    SumMemoryOptions, SumRetry, SumWatch, VerifiedDatabase, Watched,
};

/// How long the latest head of a checksum database is believed to be the latest.
const LATEST_TTL: Duration = Duration::from_secs(5);
/// Memory for what one checksum database does not have, in bytes.
const MISSING_BYTES: u64 = 4 << 20;

/// What shapes the protocol pipeline.
#[derive(Clone, Debug)]
pub struct ProtocolOptions {
    /// How long answers that may change are believed.
    pub revalidation: RevalidationOptions,
    /// Requests that may wait at once for something to be brought in.
    pub requests: usize,
    /// Whether sources are asked.
    pub network: NetworkMode,
    /// What is known to be new.
    pub refreshes: Arc<Refreshes>,
    /// Whether clients wait for what is not stored.
    pub modes: Modes,
    /// Takes down what is used.
    pub notes: IndexNotes,
}

/// What shapes the stash pipeline.
#[derive(Clone, Debug)]
pub struct StasherOptions {
    /// What is held against what is about to be stored.
    pub ingest: Ingest,
    /// Flights at a time.
    pub flights: usize,
    /// Whether sources are asked.
    pub network: NetworkMode,
    /// The other nodes of a cluster; `None` for a node by itself.
    pub cluster: Option<ClusterOptions>,
    /// What is known to be new.
    pub refreshes: Arc<Refreshes>,
}

/// How the nodes of a cluster ask one another.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The other nodes.
    pub peers: Arc<dyn Peers>,
    /// What is counted of them.
    pub metrics: PeerMetrics,
    /// What is counted of transfers that break off.
    pub breaks: BreakMetrics,
    /// How large an answer may be.
    pub limits: Limits,
    /// How long one may take.
    pub total: Duration,
}

/// Where modules come from.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// Lists for modules that match, in the order they are tried.
    pub routes: Vec<(PatternList, UpstreamList)>,
    /// Modules that come from their own repositories, unless a route says otherwise: what is private must not be asked
    /// of a server that the default list names.
    pub private: PatternList,
    /// The list for all other modules.
    pub upstream: UpstreamList,
    /// Transfers at a time.
    pub fetches: usize,
}

/// What shapes one checksum database.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// Its name and key.
    pub key: VerifierKey,
    /// Its server, or none.
    pub remote: Remote,
    /// Modules that it is never asked about.
    pub private: PatternList,
    /// How long it is believed that it does not have something.
    pub negative_ttl: Duration,
}

/// Answers a client. A question meets the layers in this order:
///
/// 1. `noted_uses` - notes which versions clients get, for the index; there is none without an index
/// 2. `revalidation_cache` - answers from memory what is remembered: lists, queries, "not found"
/// 3. `storage_first` - answers from storage what is stored; lists and `@latest` too when the source has none
/// 4. `admission` - bounds how many requests wait for something to be brought in; inside of the hits, so that no hit
///    waits behind a miss (ADR 0004)
/// 5. `resolved_info` - sees to it that a version that a query resolved to has its `.info` stored (ADR 0006)
/// 6. `download_mode` - puts off what clients do not wait for; there is none without rules, nor offline
/// 7. `stash` - asks the stash pipeline
pub fn protocol_pipeline(
    options: &ProtocolOptions,
    stasher: Arc<dyn Stasher>,
    storage: &Arc<dyn Storage>,
    tasks: &TaskTracker,
) -> Arc<dyn Protocol> {
    let mut innermost: Arc<dyn Protocol> = Arc::new(Stash::new(stasher));
    if !options.modes.rules.is_empty() && options.network != NetworkMode::Offline {
        innermost = Arc::new(DownloadMode::new(innermost, options.modes.clone()));
    }
    let resolved_info = Arc::new(ResolvedInfo::new(innermost, tasks.clone()));
    let admission = Arc::new(Admission::new(resolved_info, options.requests));
    let storage_first = StorageFirst::new(admission, Arc::clone(storage), options.network);
    let revalidation_cache: Arc<dyn Protocol> = Arc::new(RevalidationCache::new(
        Arc::new(storage_first),
        options.revalidation.clone(),
        Arc::clone(&options.refreshes),
        tasks.clone(),
    ));
    if !options.notes.has_index() {
        return revalidation_cache;
    }
    Arc::new(NotedUses::new(revalidation_cache, options.notes.clone()))
}

/// Brings something in. A question meets the layers in this order:
///
/// 1. `single_flight` - joins duplicates; owns the task, so that no caller cancels another
/// 2. `fetch_and_save` - the leaf: fetch, look up the checksums meanwhile, check, store; add stored versions to lists
///
/// In a cluster there are three more between them (ADR 0028):
///
/// 1. `single_flight` - callers of this node
/// 2. `owner_route` - asks the node that owns the resource, whose answer comes in through a leaf of its own
/// 3. `single_flight` - those who are to be answered by this node: its own callers, if it is the owner or no owner can, and other
///    nodes
/// 4. `stored_elsewhere` - asks other nodes for what they have stored, through a leaf of its own
/// 5. `fetch_and_save`
///
/// Offline, `offline` stands in place of all of them.
pub fn stash_pipeline(
    options: StasherOptions,
    fetcher: Arc<dyn Fetcher>,
    storage: &Arc<dyn Storage>,
    tasks: &TaskTracker,
) -> Arc<dyn Stasher> {
    if options.network == NetworkMode::Offline {
        return Arc::new(Offline);
    }
    let StasherOptions {
        ingest,
        flights,
        cluster,
        refreshes,
        ..
    } = options;
    let leaf = |fetcher: Arc<dyn Fetcher>| -> Arc<dyn Stasher> {
        Arc::new(FetchAndSave::new(
            fetcher,
            Arc::clone(storage),
            ingest.clone(),
            tasks.clone(),
        ))
    };
    let flight = |inner: Arc<dyn Stasher>, of_callers| -> Arc<dyn Stasher> {
        let flight = SingleFlight::new(inner, flights, Arc::clone(&refreshes), tasks.clone());
        Arc::new(if of_callers { flight } else { flight.of_everybody() })
    };
    let Some(cluster) = cluster else {
        return flight(leaf(fetcher), true);
    };
    let of_peers = |peers: Arc<dyn Fetcher>| {
        let (total, limits) = (cluster.total, cluster.limits.clone());
        leaf(Arc::new(Resumed::new(
            peers,
            total,
            limits,
            cluster.breaks.clone(),
        )))
    };
    let stored = StoredElsewhere::new(
        leaf(fetcher),
        Arc::clone(&cluster.peers),
        cluster.limits.clone(),
        cluster.metrics.clone(),
        Arc::clone(&refreshes),
        of_peers,
    );
    let route = OwnerRoute::new(
        flight(Arc::new(stored), false),
        Arc::clone(&cluster.peers),
        cluster.limits.clone(),
        cluster.metrics.clone(),
        Arc::clone(&refreshes),
        of_peers,
    );
    flight(Arc::new(route), true)
}

/// Asks sources. A question meets the layers in this order:
///
/// 1. `resumed` - goes on where a transfer broke off
/// 2. `metered` - counts and times
/// 3. `pool` - bounds transfers: a slot from the head of an answer until it is stored (ADR 0007)
/// 4. `routes` - the first route that matches the module path; else, for a private path, its repository; else the default
///    list
/// 5. the chain - the entries of that list, `,` and `|` as the go command reads them
pub fn fetch_pipeline(
    options: &SourceOptions,
    client: &HttpClient,
    direct: &Arc<dyn Fetcher>,
    metrics: &Part,
    breaks: BreakMetrics,
) -> Arc<dyn Fetcher> {
    let routes = options.routes.iter().map(|(patterns, list)| Route {
        patterns: patterns.clone(),
        fetcher: Arc::new(Chain::new(list, client, direct)),
    });
    let private = (!options.private.is_empty()).then(|| Route {
        patterns: options.private.clone(),
        fetcher: Arc::clone(direct),
    });
    let default = Arc::new(Chain::new(&options.upstream, client, direct));
    let routes = Routes::new(routes.chain(private).collect(), default);
    let pool = Pool::new(Arc::new(routes), options.fetches);
    let metered = Metered::new(Arc::new(pool), FetchMetrics::new(metrics));
    Arc::new(Resumed::new(
        Arc::new(metered),
        client.total(),
        client.limits().clone(),
        breaks,
    ))
}

/// Answers questions to one checksum database. A question meets the layers in this order:
///
/// 1. `watched` - counts
/// 2. `private_gate` - refuses lookups of private modules
/// 3. `sum_memory` - answers the latest head and "not found" from memory
/// 4. `sum_flight` - joins duplicates; owns the task, so that no caller cancels another
/// 5. `sum_retry` - asks again what the database has not integrated yet, or breaks off
/// 6. `verified` - the client: from the cache or the server, and only what the log vouches for
/// 7. the server, or `offline`
pub fn sum_pipeline(
    options: DatabaseOptions,
    records: &Arc<dyn Records>,
    watch: &Arc<dyn SumWatch>,
    tasks: &TaskTracker,
) -> Arc<dyn ChecksumDatabase> {
    let name = options.key.name().clone();
    let port = DatabaseAdapter::new(name.clone(), options.remote, Arc::clone(records), tasks.clone());
    let verified = VerifiedDatabase::new(options.key, port, Arc::clone(watch));
    let flight = SumFlight::new(Arc::new(SumRetry::new(Arc::new(verified))), tasks.clone());
    let memory = SumMemoryOptions {
        latest_ttl: LATEST_TTL,
        negative_ttl: options.negative_ttl,
        capacity: MISSING_BYTES,
    };
    let memory = SumMemory::new(Arc::new(flight), memory);
    let gate = PrivateGate::new(Arc::new(memory), name, options.private);
    Arc::new(Watched::new(Arc::new(gate), Arc::clone(watch)))
}
