//! The checksum databases.

use std::{collections::HashMap, sync::Arc, time::Duration};

use stoa_fetch::{HttpClient, SmallFiles};
use stoa_proxy::{
    CheckedSums, ChecksumDatabase, ChecksumDatabases, DatabaseOptions, NetworkMode, NoCheck, OwnFiles,
    RegisteredFiles, Remote, SumFiles, SumMetrics, SumRelay, SumWatch, Sums, sum_pipeline,
};
use stoa_storage::Records;
use stoa_sumdb::KeyName;
use stoa_telemetry::Part;
use tokio_util::task::TaskTracker;

use super::cluster_core::ClusterCore;
use crate::config::{Config, DatabaseConfig, DatabaseServer};

/// How long one read of a database may take, repeats and redirects included. The go command waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// The checksum databases of one process.
#[derive(Debug)]
pub(crate) struct Checksums {
    /// Passed on to clients.
    pub(crate) databases: ChecksumDatabases,
    /// What is about to be stored is held against it.
    pub(crate) sums: Arc<dyn Sums>,
    /// Their files, as this node reads them for others.
    pub(crate) own_files: HashMap<KeyName, OwnFiles>,
    /// The one that verifies, for who compares; `None` if nothing is verified.
    pub(crate) verifier: Option<(KeyName, Arc<dyn ChecksumDatabase>)>,
}

/// Builds all that are configured, each as [`sum_pipeline`] says.
pub(super) fn build(
    config: &Config,
    client: &HttpClient,
    records: &Arc<dyn Records>,
    cluster: Option<&ClusterCore>,
    metrics: &Part,
    tasks: &TaskTracker,
) -> Checksums {
    let watch: Arc<dyn SumWatch> = Arc::new(SumMetrics::new(metrics));
    let mut own_files = HashMap::new();
    let databases: Vec<_> = config
        .sumdb
        .databases
        .iter()
        .map(|database| {
            let name = database.key.name().clone();
            let mut options = options(config, database, client);
            if let (Remote::Online(files), Some(cluster)) = (&options.remote, cluster) {
                let own = OwnFiles::new(Arc::clone(files), tasks.clone());
                own_files.insert(name.clone(), own.clone());
                let (peers, metrics) = (Arc::new(cluster.slot.clone()), cluster.metrics.clone());
                let relay: Arc<dyn SumFiles> = Arc::new(SumRelay::new(name.clone(), own, peers, metrics));
                options.remote = Remote::Online(relay);
            }
            (name, sum_pipeline(options, records, &watch, tasks))
        })
        .collect();
    let verifier = databases.first().filter(|_| config.sumdb.verify).cloned();
    let sums: Arc<dyn Sums> = match &verifier {
        None => Arc::new(NoCheck),
        Some((name, database)) => Arc::new(CheckedSums::new(
            Arc::clone(database),
            name.clone(),
            config.vcs.policy.private().clone(),
            config.sumdb.unavailable,
            watch,
        )),
    };
    Checksums {
        databases: ChecksumDatabases::new(databases),
        sums,
        own_files,
        verifier,
    }
}

fn options(config: &Config, database: &DatabaseConfig, client: &HttpClient) -> DatabaseOptions {
    let remote = match config.upstream.network {
        NetworkMode::Offline => Remote::Offline,
        NetworkMode::Online | NetworkMode::Fallback => {
            let files: Arc<dyn SumFiles> = match &database.server {
                DatabaseServer::Url(url) => Arc::new(SmallFiles::new(url.clone(), client.clone(), PATIENCE)),
                DatabaseServer::Registered(service) => {
                    Arc::new(RegisteredFiles::new(service.clone(), client.clone(), PATIENCE))
                }
            };
            Remote::Online(files)
        }
    };
    DatabaseOptions {
        key: database.key.clone(),
        remote,
        private: config.vcs.policy.private().clone(),
        negative_ttl: config.cache.revalidation.negative_ttl,
    }
}
