//! How a git repository is to be used.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Transport;
use crate::process::RunnerSettings;

/// What lets us in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// User and password, sent when the server asks for them, to its host only.
    Basic {
        /// The user.
        user: String,
        /// The password or token.
        password: String,
    },
    /// A token, sent with every request. Redirects are not followed then.
    Bearer {
        /// The token.
        token: String,
    },
    /// A key for ssh.
    SshKey {
        /// The file of the private key, which must not need a passphrase: an absolute path.
        key: PathBuf,
        /// The file with the host's public key, without which no host is believed: an absolute path.
        known_hosts: PathBuf,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Bearer { .. } => "Bearer",
            Self::SshKey { .. } => "SshKey",
        })
    }
}

/// Who knows credentials.
#[async_trait]
pub trait Credentials: fmt::Debug + Send + Sync + 'static {
    /// What to present to the repository at `url`. Asked before each program that talks to it.
    async fn for_url(&self, url: &str) -> Option<Credential>;
}

/// Who can ask by HTTP whether a repository is there.
#[async_trait]
pub trait Probe: fmt::Debug + Send + Sync + 'static {
    /// Whether a plain GET of `url`, without credentials, answers 404 or 410. Asked when git could not reach it.
    async fn is_gone(&self, url: &str) -> bool;
}

/// How a repository is to be used.
#[derive(Clone, Debug)]
pub struct GitOptions {
    /// How long the refs of the repository are taken for what it says now.
    pub freshness: Duration,
    /// How long a list of refs may take.
    pub refs_time: Duration,
    /// How long a fetch may take.
    pub fetch_time: Duration,
    /// How long reading may take, an archive as a whole.
    pub read_time: Duration,
    /// How long the program that reads objects is kept after its last question.
    pub idle: Duration,
    /// The largest repository, in bytes on the disk.
    pub largest: u64,
    /// The transports that are allowed. Without [`Transport::Http`], redirects to it are refused, too.
    pub transports: Vec<Transport>,
    /// A proxy for HTTP, as curl writes it; it may hold a password.
    pub proxy: Option<String>,
    /// A file with certificates to believe instead of the system's.
    pub certificates: Option<PathBuf>,
    /// Who knows credentials.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// Who can ask whether a repository is there; without it no failure means that it is not.
    pub probe: Option<Arc<dyn Probe>>,
    /// What the program sees of this machine; `None` for the cache's home and the usual path.
    pub runner: Option<RunnerSettings>,
}

impl Default for GitOptions {
    fn default() -> Self {
        Self {
            freshness: Duration::from_secs(10),
            refs_time: Duration::from_secs(60),
            fetch_time: Duration::from_secs(600),
            read_time: Duration::from_secs(600),
            idle: Duration::from_secs(2),
            largest: 8 << 30,
            transports: vec![Transport::Https, Transport::Ssh],
            proxy: None,
            certificates: None,
            credentials: None,
            probe: None,
            runner: None,
        }
    }
}
