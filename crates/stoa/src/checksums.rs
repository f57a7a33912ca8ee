//! Where checksum databases are put together. The order is the design; the test of the pipelines prints it.

use std::{sync::Arc, time::Duration};

use stoa_fetch::{HttpClient, SmallFiles};
use stoa_proxy::{
    CheckedSums, ChecksumDatabase, ChecksumDatabases, DatabasePort, NetworkMode, NoCheck, PrivateGate,
    Remote, SumFlight, SumMemory, SumMemoryOptions, SumMetrics, SumWatch, Sums, VerifiedDatabase, Watched,
};
use stoa_storage::Records;
use stoa_sumdb::KeyName;
use stoa_telemetry::Part;
use tokio_util::task::TaskTracker;

use crate::config::{Config, DatabaseConfig};

/// How long the latest head of a database is believed to be the latest.
const LATEST_TTL: Duration = Duration::from_secs(5);
/// Memory for what one database does not have, in bytes.
const MISSING_BYTES: u64 = 4 << 20;
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

/// Builds all that are configured. A question meets the layers in this order:
///
/// 1. `watched` - counts
/// 2. `private_gate` - refuses lookups of private modules
/// 3. `sum_memory` - answers the latest head and "not found" from memory
/// 4. `sum_flight` - joins duplicates; owns the task, so that no caller cancels another
/// 5. `verified` - the client: from the cache or the server, and only what the log vouches for
/// 6. the server, or `offline`
pub(crate) fn build(
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
            let stack = database_stack(config, database, client, records, &watch, tasks);
            (database.key.name().clone(), stack)
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

fn database_stack(
    config: &Config,
    database: &DatabaseConfig,
    client: &HttpClient,
    records: &Arc<dyn Records>,
    watch: &Arc<dyn SumWatch>,
    tasks: &TaskTracker,
) -> Arc<dyn ChecksumDatabase> {
    let name = database.key.name().clone();
    let remote = match config.network {
        NetworkMode::Offline => Remote::Offline,
        NetworkMode::Online | NetworkMode::Fallback => {
            let files = SmallFiles::new(database.url.clone(), client.clone(), PATIENCE);
            Remote::Online(Arc::new(files))
        }
    };
    let port = DatabasePort::new(name.clone(), remote, Arc::clone(records), tasks.clone());
    let verified = VerifiedDatabase::new(database.key.clone(), port, Arc::clone(watch));
    let flight = SumFlight::new(Arc::new(verified), tasks.clone());
    let options = SumMemoryOptions {
        latest_ttl: LATEST_TTL,
        negative_ttl: config.revalidation.negative_ttl,
        capacity: MISSING_BYTES,
    };
    let memory = SumMemory::new(Arc::new(flight), options);
    let private = config.vcs.policy.private().clone();
    let gate = PrivateGate::new(Arc::new(memory), name, private);
    Arc::new(Watched::new(Arc::new(gate), Arc::clone(watch)))
}
