//! The port: servers that a registry names.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use crate::BaseUrl;

/// Knows which servers a service has now.
pub trait Services: fmt::Debug + Send + Sync + 'static {
    /// The servers of `service` in the order in which they are to be asked about `key`; none, and why, if that is not known.
    fn servers(&self, service: &str, key: &str) -> Result<Vec<BaseUrl>, String>;
}

/// A place for [`Services`] that are known after the pipelines are built. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct ServicesSlot(Arc<OnceLock<Arc<dyn Services>>>);

impl ServicesSlot {
    /// Puts the services into their place. The first ones stay.
    pub fn fill(&self, services: Arc<dyn Services>) {
        // Whoever fills it twice has the same services.
        let _ = self.0.set(services);
    }
}

#[deny(clippy::missing_trait_methods)]
impl Services for ServicesSlot {
    fn servers(&self, service: &str, key: &str) -> Result<Vec<BaseUrl>, String> {
        match self.0.get() {
            Some(services) => services.servers(service, key),
            None => Err("there is no registry".to_owned()),
        }
    }
}
