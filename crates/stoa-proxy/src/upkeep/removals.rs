//! What is told of versions that have been removed.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use stoa_module::ModuleVersion;

/// Memory that may hold files of versions.
pub trait Forget: Send + Sync + 'static {
    /// Lets go of the files of these versions.
    fn forget(&self, versions: &HashSet<ModuleVersion>);
}

/// Tells memory which versions have been removed. There is one such memory in a process.
#[derive(Default)]
pub struct Removals {
    memory: OnceLock<Arc<dyn Forget>>,
    times: AtomicU64,
}

impl Removals {
    /// Tells `memory` from now on. The first one stays.
    pub fn tell(&self, memory: Arc<dyn Forget>) {
        let _second = self.memory.set(memory);
    }

    /// How often something was removed. Who reads a file to remember it asks before and after: if the two differ, what was read
    /// may have been removed meanwhile.
    pub fn times(&self) -> u64 {
        self.times.load(Ordering::Acquire)
    }

    /// These versions have been removed.
    pub(super) fn removed(&self, versions: &HashSet<ModuleVersion>) {
        self.times.fetch_add(1, Ordering::AcqRel);
        if let Some(memory) = self.memory.get() {
            memory.forget(versions);
        }
    }
}

impl fmt::Debug for Removals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Removals")
            .field("times", &self.times())
            .finish_non_exhaustive()
    }
}
