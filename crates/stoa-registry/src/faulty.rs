//! A registry that fails when it is told to, for tests.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Abilities, Change, Listing, Registration, Registry, RegistryError, Revision, Scope, ServiceName, Watch,
    Watching,
};

/// A registry that fails when it is told to, and counts what it is asked. Clones share their state. For tests of what
/// depends on a registry.
#[derive(Clone)]
pub struct FaultyRegistry {
    inner: Arc<dyn Registry>,
    shared: Arc<Faults>,
}

struct Faults {
    fault: watch::Sender<Fault>,
    reads: AtomicU64,
    watches: AtomicU64,
    announcements: AtomicU64,
    watchable: bool,
}

/// How a registry fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It does not.
    #[default]
    None,
    /// Everything ends at once with an error, watches too.
    Away,
    /// Nothing is answered.
    Silent,
}

impl FaultyRegistry {
    /// `inner`, well.
    pub fn new(inner: Arc<dyn Registry>) -> Self {
        Self::with(inner, true)
    }

    /// `inner`, well, which cannot be watched.
    pub fn unwatchable(inner: Arc<dyn Registry>) -> Self {
        Self::with(inner, false)
    }

    fn with(inner: Arc<dyn Registry>, watchable: bool) -> Self {
        Self {
            inner,
            shared: Arc::new(Faults {
                fault: watch::Sender::new(Fault::None),
                reads: AtomicU64::new(0),
                watches: AtomicU64::new(0),
                announcements: AtomicU64::new(0),
                watchable,
            }),
        }
    }

    /// Fails like this from now on.
    pub fn fail(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// How often services were read.
    pub fn reads(&self) -> u64 {
        self.shared.reads.load(Ordering::SeqCst)
    }

    /// How often a watch was begun.
    pub fn watches(&self) -> u64 {
        self.shared.watches.load(Ordering::SeqCst)
    }

    /// How often a node was announced.
    pub fn announcements(&self) -> u64 {
        self.shared.announcements.load(Ordering::SeqCst)
    }

    async fn pass(&self) -> Result<(), RegistryError> {
        let fault = *self.shared.fault.borrow();
        match fault {
            Fault::None => Ok(()),
            Fault::Away => Err(RegistryError::away(self, "as it was told")),
            Fault::Silent => {
                let mut faults = self.shared.fault.subscribe();
                // The sender lives in this registry.
                let _well = faults.wait_for(|fault| *fault == Fault::None).await;
                Ok(())
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for FaultyRegistry {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<(), RegistryError> {
        self.shared.announcements.fetch_add(1, Ordering::SeqCst);
        self.pass().await?;
        self.inner.register(registration, ttl).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<(), RegistryError> {
        self.pass().await?;
        self.inner.deregister(registration).await
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        self.shared.reads.fetch_add(1, Ordering::SeqCst);
        self.pass().await?;
        self.inner.get(service).await
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        self.pass().await?;
        self.inner.list().await
    }

    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        self.shared.watches.fetch_add(1, Ordering::SeqCst);
        self.pass().await?;
        let watch = self.inner.watch(scope, from).await?;
        Ok(Box::new(FaultyWatch {
            registry: self.clone(),
            faults: self.shared.fault.subscribe(),
            watch,
        }))
    }

    fn abilities(&self) -> Abilities {
        let abilities = self.inner.abilities();
        if self.shared.watchable {
            return abilities;
        }
        Abilities {
            watching: Watching::Nothing,
            ..abilities
        }
    }
}

#[derive(Debug)]
struct FaultyWatch {
    registry: FaultyRegistry,
    faults: watch::Receiver<Fault>,
    watch: Box<dyn Watch>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for FaultyWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        loop {
            self.registry.pass().await?;
            self.faults.mark_unchanged();
            tokio::select! {
                change = self.watch.next() => return change,
                _ = self.faults.changed() => {}
            }
        }
    }
}

impl fmt::Display for FaultyRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty({})", self.inner)
    }
}

impl fmt::Debug for FaultyRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyRegistry({})", self.inner)
    }
}
