//! A registry whose nodes are given.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use tokio::time::sleep;

use crate::{
    Abilities, Announcing, Change, Entry, Listing, Registration, Registry, RegistryError, Revision, Scope,
    ServiceName, Watch, Watching,
};

/// A watch that has nothing to tell says so after this time.
const BOOKMARK_AFTER: Duration = Duration::from_secs(5);
/// The only state that there is.
const ONLY: Revision = Revision(1);

/// A registry whose nodes are given, once and for all. Announcing changes nothing.
///
/// ```
/// use stoa_registry::{InstanceId, Registration, Registry, StaticRegistry};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let node = |id: &str, address: &str| {
///     Ok::<_, stoa_registry::NameError>(Registration::new("proxy".parse()?, id.parse()?, address, InstanceId::from_number(0)))
/// };
/// let registry = StaticRegistry::new([node("b", "http://10.0.0.6")?, node("a", "http://10.0.0.5")?]);
/// let listing = registry.get(&"proxy".parse()?).await?;
/// assert_eq!(listing.entries[0].registration.node.id.as_str(), "a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StaticRegistry {
    nodes: Vec<Registration>,
}

impl StaticRegistry {
    /// These nodes.
    pub fn new(nodes: impl IntoIterator<Item = Registration>) -> Self {
        let mut nodes: Vec<_> = nodes.into_iter().collect();
        nodes.sort_by(|one, other| {
            let key = |node: &Registration| (node.service.clone(), node.node.id.clone());
            key(one).cmp(&key(other))
        });
        Self { nodes }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for StaticRegistry {
    async fn register(&self, _: &Registration, _: Duration) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn deregister(&self, _: &Registration) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        let nodes = self.nodes.iter().filter(|node| node.service == *service);
        Ok(Listing {
            entries: nodes.cloned().map(Entry::new).collect(),
            revision: ONLY,
        })
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        let mut names: Vec<_> = self.nodes.iter().map(|node| node.service.clone()).collect();
        names.dedup();
        Ok(names)
    }

    async fn watch(&self, _: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        Ok(Box::new(NothingHappens {
            is_known: from <= ONLY,
        }))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            announcing: Announcing::Given,
            watching: Watching::All,
        }
    }
}

#[derive(Debug)]
struct NothingHappens {
    is_known: bool,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for NothingHappens {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        if !self.is_known {
            let reason = "it is a revision of another registry".to_owned();
            return Ok(Change::Lost { reason });
        }
        sleep(BOOKMARK_AFTER).await;
        Ok(Change::Bookmark { revision: ONLY })
    }
}

impl fmt::Display for StaticRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of nodes")
    }
}
