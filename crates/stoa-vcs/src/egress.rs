//! Which connections programs may make.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use crate::{Step, VcsError, VcsKind};

/// Guards the connections of programs. They open their own sockets, so a rule for this process does not hold them.
#[async_trait]
pub trait Egress: fmt::Debug + Send + Sync + 'static {
    /// Judges all addresses of the host of `url` before a program is started for it, and tells who named the host.
    ///
    /// # Errors
    /// Why the program must not or cannot connect.
    async fn check(&self, url: &str) -> Result<NamedBy, EgressError>;

    /// Why `vcs` must not go to a host that a stranger named: its program follows redirects without the proxy, so nothing
    /// would judge where they lead. The text may name the setting that allows it, which this crate does not know.
    fn refuse_redirects(&self, vcs: VcsKind) -> EgressError;

    /// The proxy that one run of a program has to use for http and https; it judges each connection. For other protocols
    /// [`Self::check`] is the only guard.
    ///
    /// A run that has a password for a server is let to `only` that one: programs send passwords on to where they are
    /// redirected.
    ///
    /// # Errors
    /// Why the proxy could not be started.
    async fn proxy(&self, only: Option<Authority>) -> Result<HttpProxy, String>;
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    /// The name or the address, an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Authority {
    /// Where this URL of http or https leads to.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        Some(Self {
            host: host.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

/// What the proxy lets one run of a program do. Dropping the last of it ends that.
pub trait ProxySession: fmt::Debug + Send + Sync + 'static {
    /// Why the program was first refused a connection, if it was: it cannot tell itself. One line.
    fn refusal(&self) -> Option<String>;

    /// How many bytes servers have sent to it.
    fn received(&self) -> u64;
}

/// Why a program must not or cannot connect; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// A rule forbids it.
    #[error("{0}")]
    Refused(String),
    /// The host has no address. It is found out before the program runs, because a program behind a proxy could only
    /// report that the proxy failed.
    #[error("{0}")]
    Unreachable(String),
}

impl EgressError {
    /// The error of a repository at `url`.
    pub(crate) fn into_error(self, vcs: VcsKind, step: Step, url: &str) -> VcsError {
        match self {
            Self::Refused(why) => VcsError::Refused {
                url: url.to_owned(),
                why,
            },
            Self::Unreachable(said) => VcsError::Failed { vcs, step, said },
        }
    }
}

/// Which party named a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The operator, in the configuration.
    Configuration,
    /// A stranger, in a module path or on a page.
    Stranger,
}

/// An HTTP proxy with basic authentication, for one run of a program.
#[derive(Clone)]
pub struct HttpProxy {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The user.
    pub user: String,
    /// The password: letters and digits.
    pub password: String,
    /// What it lets the program do.
    pub session: Arc<dyn ProxySession>,
}

impl HttpProxy {
    /// The URL as curl and variables such as `http_proxy` take it. It holds the password.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}@{}", self.user, self.password, self.address)
    }
}

impl fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpProxy({})", self.address)
    }
}
