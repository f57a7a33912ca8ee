//! How programs get out of this machine.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;

use crate::{Step, VcsError, VcsKind};

/// Sees to it that programs, which make their connections by themselves, reach only what they may.
#[async_trait]
pub trait Egress: fmt::Debug + Send + Sync + 'static {
    /// Looks at all addresses of the host of `url` before a program is started for it, and says whose idea the host is.
    ///
    /// # Errors
    /// Why there must be no connection, or why there can be none.
    async fn check(&self, url: &str) -> Result<NamedBy, NoWay>;

    /// The proxy that programs have to use for http and https, which looks at each connection; other protocols have
    /// [`Self::check`] only.
    ///
    /// # Errors
    /// Why there is none.
    async fn proxy(&self) -> Result<HttpProxy, String>;
}

/// Why a program does not get out; each in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoWay {
    /// It must not.
    Refused(String),
    /// There is nothing to get to. Programs that use the proxy could only say that the proxy failed.
    Unreachable(String),
}

impl NoWay {
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

/// Whose idea a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The configuration names it.
    Configuration,
    /// A stranger does: a module path or a page.
    Stranger,
}

/// An HTTP proxy with basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpProxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// The user.
    pub user: String,
    /// The password: letters and digits.
    pub password: String,
}

impl HttpProxy {
    /// As curl and variables such as `http_proxy` have it. It holds the password.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}@{}", self.user, self.password, self.address)
    }
}

impl fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpProxy({})", self.address)
    }
}
