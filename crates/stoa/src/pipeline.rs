//! The one place where the layers are put together. The order is the design; a test prints it.

use std::{sync::Arc, time::Duration};

use stoa_code_repo::CodeLimits;
use stoa_dispatch::{Drain, Filter, FilterFn, HttpOptions, HttpTransports, LaneKey, Request};
use stoa_fetch::{
    Chain, Direct, DirectOptions, Fetcher, HttpClient, Repositories, RepositoriesOptions, Route, Routes,
    discovery::DiscoveryOptions,
};
use stoa_proxy::{
    Admission, FetchAndSave, Ingest, NetworkMode, Offline, Pool, Protocol, ResolvedInfo, RevalidationCache,
    SingleFlight, Stash, Stasher, StorageFirst,
};
use stoa_server::{Metered, Metrics};
use stoa_storage::Storage;
use stoa_vcs::process::Counters;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::{
    checksums::{self, Checksums},
    config::{Config, names},
};

/// How long a repository's branches and tags are taken for what they are now. What is remembered of answers is configured
/// (`cache.list_ttl`); this only lets the questions of one download share theirs.
const FRESHNESS: Duration = Duration::from_secs(10);

/// The pipelines of one process, and what they run on.
#[derive(Debug)]
pub(crate) struct Pipelines {
    pub(crate) protocol: Arc<dyn Protocol>,
    pub(crate) stasher: Arc<dyn Stasher>,
    /// Where modules come from, for who compares.
    pub(crate) fetcher: Arc<dyn Fetcher>,
    pub(crate) checksums: Checksums,
    pub(crate) storage: Arc<dyn Storage>,
    /// Everything that leaves the process over HTTP.
    pub(crate) dispatcher: stoa_dispatch::Pool,
    /// Flights, transfers and refreshes. Who builds the pipelines waits for them, with [`Pipelines::finish`].
    tasks: TaskTracker,
}

impl Pipelines {
    /// Lets flights and transfers end, then closes the dispatcher. Whether they ended `within` that time.
    pub(crate) async fn finish(&self, within: Duration) -> bool {
        self.tasks.close();
        let finished = timeout(within, self.tasks.wait()).await.is_ok();
        let timeout = Duration::ZERO;
        match self.dispatcher.close(Drain { timeout }).await {
            Ok(report) => tracing::debug!(?report, "the dispatcher is closed"),
            Err(error) => tracing::debug!(%error, "the dispatcher was closed before"),
        }
        finished
    }
}

/// Builds everything that answers questions. Must be called within a runtime.
pub(crate) fn build(config: &Config, storage: Arc<dyn Storage>, metrics: &Arc<Metrics>) -> Pipelines {
    let tasks = TaskTracker::new();
    let dispatcher = dispatcher(config);
    metrics.show_lanes(dispatcher.clone());
    let client = HttpClient::new(dispatcher.clone(), config.total, config.limits.clone());
    let client = client.with_rules(Arc::new(config.vcs.rules()));
    let fetcher = fetcher(config, &client, metrics, &tasks);
    let checksums = checksums::build(config, &client, &storage.records(), metrics, &tasks);
    let stasher = stash_pipeline(config, Arc::clone(&fetcher), &checksums, &storage, &tasks);
    let protocol = protocol_pipeline(config, Arc::clone(&stasher), &storage, &tasks);
    Pipelines {
        protocol,
        stasher,
        fetcher,
        checksums,
        storage,
        dispatcher,
        tasks,
    }
}

/// Answers a client. A request meets the layers in this order:
///
/// 1. `revalidation_cache` - answers from memory what is remembered: lists, queries, "not found"
/// 2. `storage_first` - answers from storage what is stored; adds stored versions to lists
/// 3. `admission` - bounds how many requests wait for something to be brought in; inside of the hits, so that no hit
///    waits behind a miss (ADR 0004)
/// 4. `resolved_info` - sees to it that a version that a query resolved to has its `.info` stored (ADR 0006)
/// 5. `stash` - asks the stash pipeline
fn protocol_pipeline(
    config: &Config,
    stasher: Arc<dyn Stasher>,
    storage: &Arc<dyn Storage>,
    tasks: &TaskTracker,
) -> Arc<dyn Protocol> {
    let stash: Arc<dyn Protocol> = Arc::new(Stash::new(stasher));
    let resolved_info: Arc<dyn Protocol> = Arc::new(ResolvedInfo::new(stash, tasks.clone()));
    let admission: Arc<dyn Protocol> = Arc::new(Admission::new(resolved_info, config.requests));
    let storage_first: Arc<dyn Protocol> =
        Arc::new(StorageFirst::new(admission, Arc::clone(storage), config.network));
    Arc::new(RevalidationCache::new(
        storage_first,
        config.revalidation.clone(),
        tasks.clone(),
    ))
}

/// Brings something in. A question meets the layers in this order:
///
/// 1. `single_flight` - joins duplicates; owns the task, so that no caller cancels another
/// 2. `fetch_and_save` - the leaf: fetch, look up the checksums meanwhile, check, store
///
/// Offline, `offline` stands in place of both.
fn stash_pipeline(
    config: &Config,
    fetcher: Arc<dyn Fetcher>,
    checksums: &Checksums,
    storage: &Arc<dyn Storage>,
    tasks: &TaskTracker,
) -> Arc<dyn Stasher> {
    if config.network == NetworkMode::Offline {
        return Arc::new(Offline);
    }
    let ingest = Ingest {
        zip_limits: config.zip_limits.clone(),
        sums: Arc::clone(&checksums.sums),
        refusal_ttl: config.revalidation.negative_ttl,
    };
    let leaf = FetchAndSave::new(fetcher, Arc::clone(storage), ingest, tasks.clone());
    Arc::new(SingleFlight::new(Arc::new(leaf), tasks.clone()))
}

/// Asks sources. A question meets the layers in this order:
///
/// 1. `metered` - counts and times
/// 2. `pool` - bounds transfers: a slot from the head of an answer until it is stored (ADR 0007)
/// 3. `routes` - the first `[[route]]` that matches the module path; else, for a path of `vcs.private`, its repository;
///    else the default list
/// 4. the chain - the entries of that list, `,` and `|` as the go command reads them
fn fetcher(
    config: &Config,
    client: &HttpClient,
    metrics: &Arc<Metrics>,
    tasks: &TaskTracker,
) -> Arc<dyn Fetcher> {
    let direct = direct(config, client, metrics, tasks);
    let routes = config.routes.iter().map(|route| Route {
        patterns: route.patterns.clone(),
        fetcher: Arc::new(Chain::new(&route.upstream, client, &direct)),
    });
    // What is private must not be asked of whoever the default list names.
    let private = (!config.vcs.private.is_empty()).then(|| Route {
        patterns: config.vcs.private.clone(),
        fetcher: Arc::clone(&direct),
    });
    let default = Arc::new(Chain::new(&config.upstream, client, &direct));
    let routes = Arc::new(Routes::new(routes.chain(private).collect(), default));
    let pool = Arc::new(Pool::new(routes, config.fetches));
    Arc::new(Metered::new(pool, Arc::clone(metrics)))
}

/// `direct`: from a module path to its repository, to its versions. Nothing is opened before the first question.
fn direct(config: &Config, client: &HttpClient, metrics: &Metrics, tasks: &TaskTracker) -> Arc<dyn Fetcher> {
    let vcs = &config.vcs;
    let git_counters = Arc::new(Counters::default());
    let shown = Arc::clone(&git_counters);
    let counts = move || {
        shown
            .all()
            .into_iter()
            .map(|(kind, count)| ("git", kind, count))
            .collect()
    };
    metrics.show_vcs(Box::new(counts));
    let repositories = Repositories::new(
        RepositoriesOptions {
            cache: vcs.cache.clone(),
            cache_setting: "vcs.cache",
            cache_size: vcs.cache_size,
            freshness: FRESHNESS,
            git_counters,
        },
        client.clone(),
    );
    let options = DirectOptions {
        discovery: DiscoveryOptions {
            policy: vcs.policy.clone(),
            mappings: vcs.mappings.clone(),
            rewrites: vcs.rewrites.clone(),
            guard: client.rules().guard.clone(),
            ..DiscoveryOptions::default()
        },
        code: CodeLimits {
            remember: FRESHNESS,
            ..CodeLimits::default()
        },
        temporary: std::env::temp_dir(),
        tasks: tasks.clone(),
    };
    Arc::new(Direct::new(options, Arc::new(repositories), client.clone()))
}

/// The door: every HTTP request of this process leaves through one of its lanes, whose stages are listed at
/// [`stoa_dispatch`].
fn dispatcher(config: &Config) -> stoa_dispatch::Pool {
    let transports = HttpTransports::new(HttpOptions {
        connect_timeout: config.dispatch.connect_timeout,
        proxy_hosts: config.proxy_hosts.clone(),
        ..HttpOptions::default()
    });
    let rules = config.dispatch.clone();
    stoa_dispatch::Pool::builder(Arc::new(transports))
        .name("stoa")
        .rules(move |lane| rules.settings(lane))
        .max_lanes(config.dispatch.lanes)
        .filter(deny(config))
        .start()
}

/// Refuses what goes to a host that `dispatch.deny` names.
fn deny(config: &Config) -> Arc<dyn Filter> {
    let hosts = config.dispatch.deny.clone();
    Arc::new(FilterFn::new("dispatch.deny", move |request: &Request| {
        let lane = LaneKey::of_uri(request.uri()).map_err(|error| error.to_string())?;
        if names(&hosts, lane.as_str()) {
            return Err("nothing may be sent to this host".to_owned());
        }
        Ok(())
    }))
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
        let pipelines = build(&config, storage, &Arc::new(Metrics::new()));
        (
            pipelines.protocol.to_string(),
            pipelines.checksums.databases.to_string(),
        )
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
                 verified(sum.golang.org) > {remote}"
            )
        };
        let (protocol, checksums) = order(toml);
        assert_eq!(checksums, databases("files(https://sum.golang.org)"));
        assert_eq!(
            protocol,
            format!(
                "revalidation_cache > storage_first({storage}) > admission(4096) > resolved_info > stash > \
                 single_flight > fetch_and_save(checked by sum.golang.org, unavailable: refuse) > metered > pool(64) > \
                 routes(corp.example/* => upstream(file:///srv/go); own.example,corp.example => direct; upstream(https://a.example) | upstream(https://b.example), off)"
            )
        );
        let offline = format!("network = \"offline\"\n{toml}");
        let want = format!(
            "revalidation_cache > storage_first({storage}) > admission(4096) > resolved_info > stash > offline"
        );
        assert_eq!(order(&offline), (want, databases("offline")));
        let unchecked = format!("{toml}[sumdb]\ndatabases = []\n");
        let (protocol, checksums) = order(&unchecked);
        assert!(protocol.contains("> fetch_and_save(no_check) >"), "{protocol}");
        assert_eq!(checksums, "");
    }
}
