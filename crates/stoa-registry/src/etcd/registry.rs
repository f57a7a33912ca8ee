//! Registrations in etcd.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::timeout;

use super::{
    announcing,
    client::{Client, host},
    keys::Keys,
    leases::Leases,
    listing,
    options::EtcdOptions,
    transport::Transport,
    watching,
};
use crate::{
    Abilities, Announcing, Listing, Registration, Registry, RegistryError, Revision, Scope, ServiceName,
    Watch, Watching,
};

/// Registrations in etcd.
///
/// It grants whole seconds, and not less than its leaders need to be elected (2 s, unless it is set up otherwise), so a
/// shorter `ttl` is that long. A lease that nobody keeps ends up to a second later.
pub struct EtcdRegistry {
    client: Arc<Client>,
    keys: Keys,
    leases: Leases,
    /// Which cluster told the last listing; zero before the first.
    cluster: AtomicU64,
    /// The most that a call takes.
    patience: Duration,
    name: String,
}

impl EtcdRegistry {
    /// An adapter to an etcd. Nothing is asked of it yet.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Invalid`] if the options say nothing that can be asked.
    pub fn new(options: EtcdOptions, transport: Arc<dyn Transport>) -> Result<Self, RegistryError> {
        let options = options.checked()?;
        let hosts: Vec<_> = options.endpoints.iter().map(host).collect();
        Ok(Self {
            client: Arc::new(Client::new(&options, transport)),
            keys: Keys::new(options.prefix),
            leases: Leases::default(),
            cluster: AtomicU64::new(0),
            patience: options.timeout * 4,
            name: format!("etcd at {}", hosts.join(", ")),
        })
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let late = |_| {
            let reason = format!("it did not do what it was asked within {:?}", self.patience);
            Err(RegistryError::away(self, reason))
        };
        timeout(self.patience, work).await.unwrap_or_else(late)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Registry for EtcdRegistry {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<(), RegistryError> {
        let work = announcing::register(&self.client, &self.keys, &self.leases, registration, ttl);
        self.in_time(work).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<(), RegistryError> {
        let work = announcing::deregister(&self.client, &self.keys, &self.leases, registration);
        self.in_time(work).await
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        let (listing, header) = self
            .in_time(listing::get(&self.client, &self.keys, service))
            .await?;
        self.cluster.store(header.cluster_id, Ordering::Relaxed);
        Ok(listing)
    }

    /// The services that have a key, also one that cannot be read.
    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        self.in_time(listing::list(&self.client, &self.keys)).await
    }

    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        let cluster = self.cluster.load(Ordering::Relaxed);
        let work = watching::watch(&self.client, &self.keys, scope, from, cluster);
        Ok(Box::new(self.in_time(work).await?))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            announcing: Announcing::Announced,
            watching: Watching::All,
        }
    }
}

impl fmt::Display for EtcdRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for EtcdRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdRegistry")
            .field("client", &self.client)
            .field("keys", &self.keys)
            .field("leases", &self.leases)
            .finish_non_exhaustive()
    }
}
