//! How a git repository is to be used.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{RefsMemory, Transport};
use crate::process::RunnerSettings;
use crate::{Credentials, Egress, Renewal};

/// Asks by HTTP whether a repository is there.
#[async_trait]
pub trait Probe: fmt::Debug + Send + Sync + 'static {
    /// Whether a plain GET of `url` answers 404 or 410. Asked when the server wants a user that git does not have.
    async fn is_gone(&self, url: &str) -> bool;
}

/// How a repository is to be used.
#[derive(Clone, Debug)]
pub struct GitOptions {
    /// How long the refs of the repository are taken for what it says now.
    pub freshness: Duration,
    /// Since when what is known is not fresh.
    pub renewal: Renewal,
    /// How long a list of refs may take.
    pub refs_time: Duration,
    /// How long a fetch may take.
    pub fetch_time: Duration,
    /// How long reading may take, an archive as a whole.
    pub read_time: Duration,
    /// How long a server may send nothing while it is waited for. Those that prepare something say every five seconds that they
    /// are there.
    pub silence: Duration,
    /// How long the program that reads objects is kept after its last question.
    pub idle: Duration,
    /// What is kept of refs, and how many there may be.
    pub refs: Arc<RefsMemory>,
    /// The largest repository, in bytes on the disk.
    pub largest: u64,
    /// The transports that are allowed. Without [`Transport::Http`], redirects to it are refused, too.
    pub transports: Vec<Transport>,
    /// The guard of git's connections. Git goes through its proxy, redirects included, so that it reaches nothing that the
    /// guard forbids.
    pub egress: Option<Arc<dyn Egress>>,
    /// A file with certificates to trust instead of the system's.
    pub certificates: Option<PathBuf>,
    /// For whom it is read: handles of one URL share a copy only if this is the same, because not all of them may have
    /// the same credentials.
    pub audience: &'static str,
    /// Where credentials come from.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// Asks whether a repository is there. Without a probe no failure means that it does not exist.
    pub probe: Option<Arc<dyn Probe>>,
    /// What the program sees of this machine; `None` for the home of the cache and the default path.
    pub runner: Option<RunnerSettings>,
}

impl Default for GitOptions {
    fn default() -> Self {
        Self {
            freshness: Duration::from_secs(10),
            renewal: Renewal::default(),
            refs_time: Duration::from_secs(60),
            fetch_time: Duration::from_secs(600),
            read_time: Duration::from_secs(600),
            silence: Duration::from_secs(30),
            idle: Duration::from_secs(2),
            refs: Arc::new(RefsMemory::new(32 << 20, 250_000)),
            largest: 8 << 30,
            transports: vec![Transport::Https, Transport::Ssh],
            egress: None,
            certificates: None,
            audience: "",
            credentials: None,
            probe: None,
            runner: None,
        }
    }
}
