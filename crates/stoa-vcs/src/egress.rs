//! How programs get out of this machine.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;

/// Sees to it that programs, which make their connections by themselves, reach only what they may.
#[async_trait]
pub trait Egress: fmt::Debug + Send + Sync + 'static {
    /// Looks at all addresses of the host of `url` before a program is started for it, and says whose idea the host is.
    ///
    /// # Errors
    /// Why there must be no connection, in one line.
    async fn check(&self, url: &str) -> Result<NamedBy, String>;

    /// The proxy that programs have to use for http and https, which looks at each connection; other protocols have
    /// [`Self::check`] only.
    ///
    /// # Errors
    /// Why there is none.
    async fn proxy(&self) -> Result<HttpProxy, String>;
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
