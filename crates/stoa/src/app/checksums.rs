//! The checksum databases.

use std::{sync::Arc, time::Duration};

use stoa_fetch::{HttpClient, SmallFiles};
use stoa_proxy::{
    CheckedSums, ChecksumDatabase, ChecksumDatabases, DatabaseOptions, NetworkMode, NoCheck, Remote,
    SumMetrics, SumWatch, Sums, sum_pipeline,
};
use stoa_storage::Records;
use stoa_sumdb::KeyName;
use stoa_telemetry::Part;
use tokio_util::task::TaskTracker;

use crate::config::{Config, DatabaseConfig};

/// How long one read of a database may take, repeats and redirects included. The go command waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// The checksum databases of one process.
#[derive(Debug)]
pub(crate) struct Checksums {
    /// Passed on to clients.
    pub(crate) databases: ChecksumDatabases,
    /// What is about to be stored is held against it.
    pub(crate) sums: Arc<dyn Sums>,
    /// The one that verifies, for who compares; `None` if nothing is verified.
    pub(crate) verifier: Option<(KeyName, Arc<dyn ChecksumDatabase>)>,
}

/// Builds all that are configured, each as [`sum_pipeline`] says.
pub(super) fn build(
    config: &Config,
    client: &HttpClient,
    records: &Arc<dyn Records>,
    metrics: &Part,
    tasks: &TaskTracker,
) -> Checksums {
    let watch: Arc<dyn SumWatch> = Arc::new(SumMetrics::new(metrics));
    let databases: Vec<_> = config
        .sumdb
        .databases
        .iter()
        .map(|database| {
            let options = options(config, database, client);
            let name = database.key.name().clone();
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
        verifier,
    }
}

fn options(config: &Config, database: &DatabaseConfig, client: &HttpClient) -> DatabaseOptions {
    let remote = match config.upstream.network {
        NetworkMode::Offline => Remote::Offline,
        NetworkMode::Online | NetworkMode::Fallback => {
            let files = SmallFiles::new(database.url.clone(), client.clone(), PATIENCE);
            Remote::Online(Arc::new(files))
        }
    };
    DatabaseOptions {
        key: database.key.clone(),
        remote,
        private: config.vcs.policy.private().clone(),
        negative_ttl: config.cache.revalidation.negative_ttl,
    }
}
