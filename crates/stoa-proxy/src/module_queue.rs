//! The port to who brings modules in later.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use stoa_module::{ModuleVersion, WantedFiles};

use crate::ProxyError;

/// Takes modules that are to be brought in later, while nobody waits.
#[async_trait]
pub trait ModuleQueue: fmt::Debug + Send + Sync + 'static {
    /// Takes these files of `target`, and returns the id of the job that brings them in. What is taken already is not taken
    /// twice. When this returns, the work will be done, whatever becomes of the caller and of the process.
    ///
    /// # Errors
    /// Why it is not taken: there is too much already, or it was tried a moment ago and cannot be had.
    async fn take(&self, target: &ModuleVersion, files: WantedFiles) -> Result<Arc<str>, ProxyError>;
}

/// A place for a [`ModuleQueue`] that is built after the pipelines, because it asks them. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct QueueSlot(Arc<OnceLock<Arc<dyn ModuleQueue>>>);

impl QueueSlot {
    /// Puts the queue into its place. The first one stays.
    pub fn fill(&self, queue: Arc<dyn ModuleQueue>) {
        // Whoever fills it twice has the same queue.
        let _ = self.0.set(queue);
    }

    /// The queue, if there is one: a command that runs without a server has none.
    pub fn get(&self) -> Option<&dyn ModuleQueue> {
        self.0.get().map(AsRef::as_ref)
    }
}
