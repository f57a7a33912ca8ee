//! Where modules come from.

use std::{sync::Arc, time::Duration};

use stoa_code_repo::CodeLimits;
use stoa_fetch::{
    Direct, DirectOptions, HttpClient, Repositories, RepositoriesOptions, discovery::DiscoveryOptions,
    outbound::Trust,
};
use stoa_proxy::{RepositoryMetrics, SourceOptions};
use stoa_telemetry::Part;
use stoa_vcs::{
    Renewal,
    cache::Cache,
    git::RefsMemory,
    process::{Counters, Places, ProgramLimits},
};
use tokio_util::task::TaskTracker;

use crate::config::Config;

/// How long a repository's branches and tags are taken for what they are now. What is remembered of answers is configured
/// (`cache.list_ttl`); this only lets the questions of one download share theirs.
const FRESHNESS: Duration = Duration::from_secs(10);

/// The lists that the configuration names, and what each is for.
pub(super) fn options(config: &Config) -> SourceOptions {
    let routes = config.upstream.routes.iter();
    SourceOptions {
        routes: routes
            .map(|route| (route.patterns.clone(), route.upstream.clone()))
            .collect(),
        private: config.vcs.private.clone(),
        upstream: config.upstream.list.clone(),
        fetches: config.pool.fetches,
    }
}

/// What a process that was killed has left for programs, secrets among it, and of fetches goes at the start, whether a
/// repository is asked for or not.
fn clear_leftovers(config: &Config) {
    let Some(place) = &config.vcs.cache else { return };
    if let Err(error) = Cache::clear_leftovers(place) {
        tracing::warn!(place = %place.display(), %error, "what was left in the cache of repositories cannot be removed");
    }
}

/// `direct`: from a module path to its repository, to its versions. Nothing is opened before the first question.
pub(super) fn direct(
    config: &Config,
    client: &HttpClient,
    metrics: &Part,
    tasks: &TaskTracker,
) -> Arc<Direct> {
    let vcs = &config.vcs;
    let git_counters = Arc::new(Counters::default());
    metrics.collector(RepositoryMetrics::new([("git", Arc::clone(&git_counters))]));
    clear_leftovers(config);
    let renewal = Renewal::default();
    let repositories = Repositories::new(
        RepositoriesOptions {
            cache: vcs.cache.clone(),
            cache_setting: "vcs.cache",
            cache_size: vcs.cache_size,
            freshness: FRESHNESS,
            renewal: renewal.clone(),
            silence: config.fetch.deadlines.idle,
            refs: Arc::new(RefsMemory::new(vcs.memory, vcs.max_refs)),
            git_counters,
            places: Places::new(vcs.programs.places.clone()),
            limits: ProgramLimits {
                memory: vcs.programs.memory,
                ..ProgramLimits::default()
            },
            authorities: config
                .tls
                .is_told
                .then(|| config.tls.authorities.with_system().into()),
        },
        client.clone(),
    );
    let options = DirectOptions {
        discovery: DiscoveryOptions {
            policy: vcs.policy.clone(),
            mappings: vcs.mappings.clone(),
            rewrites: vcs.rewrites.clone(),
            modules: client.rules().modules.clone(),
            guard: client.rules().guards.of(Trust::Named).clone(),
            ..DiscoveryOptions::default()
        },
        code: CodeLimits {
            remember: FRESHNESS,
            ..CodeLimits::default()
        },
        temporary: std::env::temp_dir(),
        renewal,
        tasks: tasks.clone(),
    };
    Arc::new(Direct::new(options, Arc::new(repositories), client.clone()))
}
