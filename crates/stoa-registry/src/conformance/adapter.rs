//! What the suite needs of an adapter.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Registry, ServiceName};

/// Makes empty registries.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// An empty registry that nobody else uses.
    async fn place(&self) -> Box<dyn Place>;
}

/// One registry, as several clients see it.
#[async_trait]
pub trait Place: Send + Sync {
    /// Another client of it.
    async fn open(&self) -> Arc<dyn Registry>;

    /// Lets time go by: of a paused clock, or real time.
    async fn pass(&self, time: Duration);

    /// Deletes what is registered, behind the registry's back, all at once if that can be done.
    async fn wipe(&self);

    /// Forgets the history, so that a watch from an earlier revision is lost; `false` if that cannot be done here.
    async fn forget(&self) -> bool;

    /// Puts `text` where a registration of `service` would be; `false` if that cannot be done here.
    async fn plant(&self, service: &ServiceName, text: &str) -> bool;

    /// The shortest time to live that the registry keeps to the second. Whole seconds.
    fn ttl(&self) -> Duration {
        Duration::from_secs(2)
    }
}
