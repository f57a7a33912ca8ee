//! From names to addresses.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{PrivateAddressError, is_public};

/// Asks what addresses a name has.
#[async_trait]
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// All addresses of `host`, in the order in which they should be tried. A literal address is its own.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// [`Lookup`] as this machine is set up: its hosts file, its name servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// What a client resolves names with.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    /// Only public addresses are given out, but for these names.
    pub(crate) public_only: Option<Arc<[String]>>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let mut found = this.lookup.lookup(name.as_str()).await?;
            if let Some(others) = &this.public_only
                && !others
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(name.as_str()))
            {
                found = public(name.as_str(), found)?;
            }
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// The public ones among the addresses of `host`; an error if it has others only.
fn public(host: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, PrivateAddressError> {
    let private = found.iter().copied().find(|address| !is_public(*address));
    let found: Vec<_> = found.into_iter().filter(|address| is_public(*address)).collect();
    match private {
        Some(address) if found.is_empty() => Err(PrivateAddressError {
            host: host.to_owned(),
            address,
        }),
        _ => Ok(found),
    }
}
