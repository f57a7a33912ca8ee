//! The addresses of a host name as nodes.

use std::{fmt, io, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use crate::{
    Abilities, Announcing, Entry, InstanceId, Listing, NodeId, Registration, Registry, RegistryError,
    Revision, Scope, ServiceName, Watch, Watching,
};

/// The most addresses that are taken.
const MOST: usize = 1_024;
/// How long one look-up may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Finds the addresses of a host name.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// The addresses; none if there is no such name.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the machine: its hosts file and its name servers.
///
/// What it says of a name that there is not, and of a name server that cannot be reached, is often the same. So no addresses
/// are an error here, and never an empty service: who had nodes keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        let addresses: Vec<_> = found.map(|address| address.ip()).collect();
        if addresses.is_empty() {
            return Err(io::Error::other("the name has no address"));
        }
        Ok(addresses)
    }
}

/// A registry of one service, whose nodes are the addresses of a host name, such as a headless service of Kubernetes. Nodes
/// cannot announce themselves in it, and it cannot be watched: it has to be read again and again.
///
/// A node is named as Kubernetes names pods in DNS, by its address with dashes: `10-0-0-5`.
#[derive(Debug)]
pub struct DnsRegistry {
    service: ServiceName,
    scheme: &'static str,
    host: String,
    port: u16,
    resolver: Arc<dyn Resolve>,
}

impl DnsRegistry {
    /// The addresses of `host`, at which nodes of `service` listen on `port`, with TLS or without.
    pub fn new(service: ServiceName, host: String, port: u16, tls: bool, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            service,
            scheme: if tls { "https" } else { "http" },
            host,
            port,
            resolver,
        }
    }

    /// The name of the node at this address.
    pub fn node_id(address: IpAddr) -> String {
        match address {
            IpAddr::V4(_) => address.to_string().replace('.', "-"),
            IpAddr::V6(_) => format!("v6-{}", address.to_string().replace(':', "-")),
        }
    }

    fn node(&self, address: IpAddr) -> Option<Registration> {
        let id: NodeId = Self::node_id(address).parse().ok()?;
        let host = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let url = format!("{}://{host}:{}", self.scheme, self.port);
        // Nobody says which life of the node it is.
        let instance = InstanceId::from_number(0);
        Some(Registration::new(self.service.clone(), id, url, instance))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for DnsRegistry {
    async fn register(&self, _: &Registration, _: Duration) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn deregister(&self, _: &Registration) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        if *service != self.service {
            return Ok(Listing::default());
        }
        let found = timeout(PATIENCE, self.resolver.resolve(&self.host)).await;
        let found = found.map_err(|_elapsed| RegistryError::away(self, "it did not answer in time"))?;
        let mut addresses = found.map_err(|error| RegistryError::away(self, error))?;
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(MOST);
        let nodes = addresses.into_iter().filter_map(|address| self.node(address));
        let mut entries: Vec<_> = nodes.map(Entry::new).collect();
        entries.sort_by(|one, other| one.registration.node.id.cmp(&other.registration.node.id));
        Ok(Listing {
            entries,
            revision: Revision(0),
        })
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        let listing = self.get(&self.service).await?;
        Ok(listing
            .entries
            .first()
            .map(|_| self.service.clone())
            .into_iter()
            .collect())
    }

    async fn watch(&self, _: &Scope, _: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        Err(RegistryError::unsupported(self, "names cannot be watched"))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            announcing: Announcing::Given,
            watching: Watching::Nothing,
        }
    }
}

impl fmt::Display for DnsRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name {}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[derive(Debug)]
    struct Scripted(Mutex<io::Result<Vec<IpAddr>>>);

    #[async_trait]
    impl Resolve for Scripted {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            match &*self.0.lock() {
                Ok(addresses) => Ok(addresses.clone()),
                Err(error) => Err(io::Error::other(error.to_string())),
            }
        }
    }

    #[tokio::test]
    async fn addresses_are_nodes_and_no_answer_is_no_empty_service() {
        let addresses = ["10.0.0.6", "10.0.0.5", "fd00::5", "10.0.0.5"];
        let addresses = addresses.map(|address| address.parse().expect("an address"));
        let resolver = Arc::new(Scripted(Mutex::new(Ok(addresses.to_vec()))));
        let service: ServiceName = "stoa".parse().expect("a name");
        let registry = DnsRegistry::new(
            service.clone(),
            "stoa.default.svc".to_owned(),
            3000,
            false,
            Arc::clone(&resolver) as _,
        );
        let listing = registry.get(&service).await.expect("found");
        let nodes = listing.entries.iter().map(|entry| &entry.registration.node);
        let shown: Vec<_> = nodes
            .map(|node| format!("{} {}", node.id, node.address))
            .collect();
        assert_eq!(
            shown,
            [
                "10-0-0-5 http://10.0.0.5:3000",
                "10-0-0-6 http://10.0.0.6:3000",
                "v6-fd00--5 http://[fd00::5]:3000"
            ]
        );
        assert_eq!(
            registry.list().await.expect("found"),
            std::slice::from_ref(&service)
        );
        let other = "other".parse().expect("a name");
        assert_eq!(registry.get(&other).await.expect("nothing"), Listing::default());
        *resolver.0.lock() = Err(io::Error::other("no such host"));
        let error = registry.get(&service).await.expect_err("away");
        assert!(matches!(error, RegistryError::Away { .. }), "{error}");
    }

    #[tokio::test]
    async fn the_machine_knows_itself() {
        let found = SystemResolver.resolve("localhost").await.expect("addresses");
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
