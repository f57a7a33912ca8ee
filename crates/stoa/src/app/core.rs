//! What answers questions, and what it runs on.

use std::{sync::Arc, time::Duration};

use stoa_dispatch::Drain;
use stoa_fetch::{Direct, Fetcher, ServicesSlot};
use stoa_proxy::{
    BreakMetrics, Download, IndexNotes, Ingest, Intake, LaneMetrics, Modes, NetworkMode, OtherNodesSlot,
    Protocol, ProtocolOptions, QueueSlot, Refreshes, Releases, Removals, Stasher, StasherOptions,
    fetch_pipeline, protocol_pipeline, stash_pipeline,
};
use stoa_server::{Links, Readiness};
use stoa_storage::Storage;
use stoa_telemetry::Registry;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    checksums, checksums::Checksums, cluster_core::ClusterCore, index::IndexCore, outbound, releases,
    sources, storage::OpenStorage,
};
use crate::config::Config;

/// Flights at a time for each request that may wait for one. A flight outlives the requests that wait for it, and stoa
/// starts some itself.
const FLIGHTS_PER_REQUEST: usize = 2;

/// Everything that answers questions, and what it runs on. Commands use it as it is; [`App`](super::App) serves it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) protocol: Arc<dyn Protocol>,
    pub(crate) stasher: Arc<dyn Stasher>,
    /// Takes in what is offered.
    pub(crate) intake: Intake,
    /// Where modules come from, for a comparison with what is stored.
    pub(crate) fetcher: Arc<dyn Fetcher>,
    pub(crate) checksums: Checksums,
    /// Release archives, where the configuration says where they come from.
    pub(crate) releases: Option<Arc<Releases>>,
    pub(crate) storage: Arc<dyn Storage>,
    /// Everything that leaves the process over HTTP.
    pub(crate) dispatcher: stoa_dispatch::Pool,
    /// What parts count is registered here.
    pub(crate) registry: Registry,
    /// Who takes modules for later. Only a server has somebody who does.
    pub(crate) later: QueueSlot,
    /// What somebody has said to be new.
    pub(crate) refreshes: Arc<Refreshes>,
    /// What is known of what is stored, unless nothing is.
    pub(crate) index: Option<Arc<IndexCore>>,
    /// What has been removed.
    pub(crate) removals: Arc<Removals>,
    /// Other nodes, when something is removed.
    pub(crate) other_nodes: OtherNodesSlot,
    /// How other nodes are asked, where there are some.
    pub(crate) cluster: Option<ClusterCore>,
    /// Servers that lists of upstreams name, once they are known.
    pub(crate) services: ServicesSlot,
    /// Whether new requests should be sent here.
    pub(crate) readiness: Arc<Readiness>,
    /// Flights, transfers and refreshes.
    tasks: TaskTracker,
    /// Ends what the storage does beside requests.
    ending: CancellationToken,
}

impl Core {
    /// Builds each on those before it: storage and dispatcher, client, sources, checksum databases, stash pipeline,
    /// protocol pipeline. Nothing is asked before the first question. Must be called within a runtime.
    pub(crate) fn build(config: &Config, opened: OpenStorage) -> Self {
        let registry = Registry::new("stoa");
        let metrics = &registry.root();
        let (storage, tasks, ending) = (opened.storage, opened.tasks, opened.ending);
        let dispatcher = opened.dispatcher;
        metrics.collector(LaneMetrics::new(dispatcher.clone()));
        let services = ServicesSlot::default();
        let client = outbound::client(config, &dispatcher, &services);
        let direct = sources::direct(config, &client, metrics, &tasks);
        let refreshes = Arc::new(Refreshes::new(Some(Arc::<Direct>::clone(&direct))));
        let direct: Arc<dyn Fetcher> = direct;
        let breaks = BreakMetrics::new(metrics);
        let fetcher = fetch_pipeline(
            &sources::options(config),
            &client,
            &direct,
            metrics,
            breaks.clone(),
        );
        let cluster = ClusterCore::of(config, metrics);
        let checksums = checksums::build(
            config,
            &client,
            &storage.records(),
            cluster.as_ref(),
            metrics,
            &tasks,
        );
        let index = IndexCore::of(config, metrics, &tasks).map(Arc::new);
        let notes = IndexCore::notes(index.as_deref());
        let ingest = ingest(config, &checksums, &notes);
        let releases = releases::build(config, &client, &storage, (metrics, breaks.clone()), &tasks);
        let limits = config.fetch.limits.clone();
        let intake = Intake::new(Arc::clone(&storage), ingest.clone(), limits, tasks.clone());
        let stasher = StasherOptions {
            ingest,
            flights: config.pool.requests.saturating_mul(FLIGHTS_PER_REQUEST),
            network: config.upstream.network,
            cluster: cluster
                .as_ref()
                .map(|cluster| cluster.options(config, breaks.clone())),
            refreshes: Arc::clone(&refreshes),
        };
        let stasher = stash_pipeline(stasher, Arc::clone(&fetcher), &storage, &tasks);
        let later = QueueSlot::default();
        let protocol = protocol_options(config, &refreshes, &later, notes);
        let protocol = protocol_pipeline(&protocol, Arc::clone(&stasher), &storage, &tasks);
        Self {
            protocol,
            stasher,
            intake,
            fetcher,
            checksums,
            releases,
            readiness: Arc::new(Readiness::new(Arc::clone(&storage))),
            registry,
            storage,
            dispatcher,
            later,
            refreshes,
            index,
            removals: Arc::default(),
            other_nodes: OtherNodesSlot::default(),
            cluster,
            services,
            tasks,
            ending,
        }
    }

    /// Downloads modules as the go command does, with the records of toolchains.
    pub(crate) fn download(&self, config: &Config) -> Download {
        let download = Download::new(Arc::clone(&self.protocol), Arc::clone(&self.storage));
        match config.upstream.network {
            NetworkMode::Offline => download,
            NetworkMode::Online | NetworkMode::Fallback => {
                download.with_sums(Arc::clone(&self.checksums.sums))
            }
        }
    }

    /// Leads clients to the storage itself, where the configuration says so.
    pub(crate) fn links(&self, config: &Config) -> Option<Links> {
        let above = config.storage.redirect_above?;
        Some(Links::new(Arc::clone(&self.storage), above))
    }

    /// Lets flights and transfers end, then closes the dispatcher. Whether they ended `within` that time.
    pub(crate) async fn end(&self, within: Duration) -> bool {
        // What is stored by flights that still go on is told too.
        if let Some(index) = &self.index {
            index.ending.cancel();
        }
        self.ending.cancel();
        self.tasks.close();
        let finished = timeout(within, self.tasks.wait()).await.is_ok();
        if let Some(index) = &self.index {
            index.end().await;
        }
        let timeout = Duration::ZERO;
        match self.dispatcher.close(Drain { timeout }).await {
            Ok(report) => tracing::debug!(?report, "the dispatcher is closed"),
            Err(error) => tracing::debug!(%error, "the dispatcher was closed before"),
        }
        finished
    }
}

/// What is held against what is about to be stored.
fn ingest(config: &Config, checksums: &Checksums, notes: &IndexNotes) -> Ingest {
    Ingest {
        zip_limits: config.fetch.zip_limits.clone(),
        sums: Arc::clone(&checksums.sums),
        refusal_ttl: config.cache.revalidation.negative_ttl,
        notes: notes.clone(),
    }
}

/// What shapes the answers to clients.
fn protocol_options(
    config: &Config,
    refreshes: &Arc<Refreshes>,
    later: &QueueSlot,
    notes: IndexNotes,
) -> ProtocolOptions {
    ProtocolOptions {
        revalidation: config.cache.revalidation.clone(),
        requests: config.pool.requests,
        network: config.upstream.network,
        refreshes: Arc::clone(refreshes),
        modes: Modes {
            rules: config.modes.rules.clone(),
            queue: later.clone(),
        },
        notes,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use stoa_storage::MemoryStorage;

    use super::*;
    use crate::config::{Given, load};

    fn order(toml: &str) -> (String, String) {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(toml.as_bytes()).expect("write");
        let given = Given {
            file: Some(file.path().to_owned()),
            ..Given::default()
        };
        let config = load(&given).expect("config");
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new(1 << 20));
        let app = Core::build(&config, OpenStorage::given(&config, storage));
        (app.protocol.to_string(), app.checksums.databases.to_string())
    }

    #[tokio::test]
    async fn the_layers_stand_in_the_order_of_the_design() {
        let storage = MemoryStorage::new(1 << 20).to_string();
        let toml = "storage = \"memory:\"\nupstream = \"https://a.example|https://b.example,off\"\n\
                    [[route]]\nmatch = \"corp.example/*\"\nupstream = \"file:///srv/go\"\n\
                    [vcs]\nprivate = \"own.example,corp.example\"\n";
        let databases = |remote: &str| {
            format!(
                "sum.golang.org => watched > private_gate(own.example,corp.example) > sum_memory > sum_flight > \
                 sum_retry > verified(sum.golang.org) > {remote}"
            )
        };
        let (protocol, checksums) = order(toml);
        assert_eq!(checksums, databases("files(https://sum.golang.org)"));
        assert_eq!(
            protocol,
            format!(
                "noted_uses > revalidation_cache > storage_first({storage}) > admission(4096) > resolved_info > stash > \
                 single_flight > fetch_and_save(checked by sum.golang.org, unavailable: refuse) > resumed > metered > pool(64) > \
                 routes(corp.example/* => upstream(file:///srv/go); own.example,corp.example => direct; upstream(https://a.example) | upstream(https://b.example), off)"
            )
        );
        let offline = format!("network = \"offline\"\n{toml}");
        let want = format!(
            "noted_uses > revalidation_cache > storage_first({storage}) > admission(4096) > resolved_info > stash > offline"
        );
        assert_eq!(order(&offline), (want, databases("offline")));
        let modes = "[[mode]]\nmatch = \"corp.example\"\nmode = \"sync\"\n\
                     [[mode]]\nmatch = \"*\"\nmode = \"async\"\n";
        let (protocol, _) = order(&format!("{toml}{modes}"));
        assert!(
            protocol.contains(
                "> resolved_info > download_mode(corp.example => sync; * => async) > stash > single_flight >"
            ),
            "{protocol}"
        );
        let (protocol, _) = order(&format!("{offline}{modes}"));
        assert!(
            protocol.ends_with("> resolved_info > stash > offline"),
            "{protocol}"
        );
        let unchecked = format!("{toml}[sumdb]\ndatabases = []\n");
        let (protocol, checksums) = order(&unchecked);
        assert!(protocol.contains("> fetch_and_save(no_check) >"), "{protocol}");
        assert_eq!(checksums, "");
    }
}
