//! Which connections programs may make.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;

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

    /// The proxy that programs have to use for http and https; it judges each connection. For other protocols
    /// [`Self::check`] is the only guard.
    ///
    /// # Errors
    /// Why the proxy could not be started.
    async fn proxy(&self) -> Result<HttpProxy, String>;
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

/// An HTTP proxy with basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpProxy {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The user.
    pub user: String,
    /// The password: letters and digits.
    pub password: String,
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
