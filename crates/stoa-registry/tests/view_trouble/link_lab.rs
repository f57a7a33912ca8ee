mod calls;
mod faulty_watch;
mod link;

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;

pub(crate) use self::calls::Calls;
use self::{
    calls::{Counted, count},
    faulty_watch::FaultyWatch,
    link::Link,
};
use stoa_registry::{
    Abilities, Listing, Registration, Registry, RegistryError, Revision, Scope, ServiceName, Watch, Watching,
};

/// A registry behind a link that a test cuts, hangs and heals. Clones share the link. It counts what it is asked.
#[derive(Clone, Debug)]
pub(crate) struct FaultyRegistry {
    inner: Arc<dyn Registry>,
    link: Link,
    counted: Arc<Counted>,
    cut_services: Arc<Mutex<BTreeSet<ServiceName>>>,
    is_watchable: bool,
    answer_delay: Arc<Mutex<Duration>>,
}

impl FaultyRegistry {
    /// With a link that is well.
    pub(crate) fn new(inner: Arc<dyn Registry>) -> Self {
        Self {
            inner,
            link: Link::new(),
            counted: Arc::default(),
            cut_services: Arc::default(),
            is_watchable: true,
            answer_delay: Arc::default(),
        }
    }

    /// Every call fails at once from now on, and so do the watches that are open.
    pub(crate) fn cut(&self) {
        self.link.cut();
    }

    /// No call is answered, and no watch says anything, until the link is healed or cut. Nothing is lost.
    pub(crate) fn hang(&self) {
        self.link.hang();
    }

    /// Every call is answered after this time.
    pub(crate) fn slow(&self, delay: Duration) {
        self.link.slow(delay);
    }

    /// All is well again.
    pub(crate) fn slow_answers(&self, delay: Duration) {
        *self.answer_delay.lock() = delay;
    }

    pub(crate) fn heal(&self) {
        self.link.heal();
    }

    /// The watches that are open fail. What comes after is well.
    pub(crate) fn drop_watches(&self) {
        self.link.drop_watches();
    }

    /// What it was asked until now.
    pub(crate) fn calls(&self) -> Calls {
        self.counted.read()
    }

    async fn pass(&self) -> Result<(), RegistryError> {
        let is_through = self.link.pass().await;
        is_through.map_err(|reason| RegistryError::away(self, reason))
    }

    async fn pass_for(&self, service: &ServiceName) -> Result<(), RegistryError> {
        self.pass().await?;
        if self.cut_services.lock().contains(service) {
            return Err(RegistryError::away(self, format!("{service} is cut")));
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for FaultyRegistry {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<(), RegistryError> {
        count(&self.counted.registers);
        self.pass().await?;
        self.inner.register(registration, ttl).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<(), RegistryError> {
        count(&self.counted.deregisters);
        self.pass().await?;
        self.inner.deregister(registration).await
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        count(&self.counted.gets);
        self.pass_for(service).await?;
        let answer = self.inner.get(service).await;
        let delay = *self.answer_delay.lock();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        answer
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        count(&self.counted.lists);
        self.pass().await?;
        self.inner.list().await
    }

    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        count(&self.counted.watches);
        match scope {
            Scope::Service(service) => self.pass_for(service).await?,
            Scope::All => self.pass().await?,
        }
        let inner = self.inner.watch(scope, from).await?;
        let (link, counted) = (self.link.clone(), Arc::clone(&self.counted));
        Ok(Box::new(FaultyWatch::new(inner, self.to_string(), link, counted)))
    }

    fn abilities(&self) -> Abilities {
        let mut abilities = self.inner.abilities();
        if !self.is_watchable {
            abilities.watching = Watching::Nothing;
        }
        abilities
    }
}

impl fmt::Display for FaultyRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} behind a link that fails", self.inner)
    }
}
