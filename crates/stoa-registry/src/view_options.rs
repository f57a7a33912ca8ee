//! What shapes a view.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use crate::Registration;

/// What shapes a view.
#[derive(Clone, Debug)]
pub struct ViewOptions {
    /// How old what is told may be; `None` for any age, for who can find out by asking the nodes themselves.
    pub max_stale: Option<Duration>,
    /// How often a registry is read that cannot be watched.
    pub refresh: Duration,
    /// For how long it is believed that there is no such service. A node that announces itself ends it.
    pub negative_ttl: Duration,
    /// The most services that are known to be unknown.
    pub negatives: usize,
    /// How long the first question about a service waits for the registry.
    pub initial_wait: Duration,
    /// How long one read may take.
    pub read_timeout: Duration,
    /// A watch that is silent for so long is dead: the registry tells every five seconds that it is alive.
    pub silence: Duration,
    /// A service that nobody has followed or asked about for so long is not watched any more.
    pub idle: Duration,
    /// When more than half of the nodes of a service vanish within this time, they are not believed to be gone,
    pub guard_window: Duration,
    /// for so long.
    pub grace: Duration,
    /// The first pause after a failure. Each further one is twice as long,
    pub backoff: Duration,
    /// up to this. A pause is drawn between nothing and these.
    pub backoff_max: Duration,
    /// A directory in which services that are followed are remembered.
    pub snapshots: Option<PathBuf>,
    /// What a registration must be like.
    pub validate: Validate,
    /// From what the spread of pauses is drawn.
    pub seed: u64,
}

/// Judges a registration: why it is none, if it is none.
#[derive(Clone)]
pub struct Validate(Arc<Judge>);

type Judge = dyn Fn(&Registration) -> Result<(), String> + Send + Sync;

impl Validate {
    /// Judges by `judge`.
    pub fn by(judge: impl Fn(&Registration) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// Judges one.
    ///
    /// # Errors
    ///
    /// Why it is no registration; that the judge panicked, if it did.
    pub fn check(&self, registration: &Registration) -> Result<(), String> {
        let judged = catch_unwind(AssertUnwindSafe(|| (self.0)(registration)));
        judged.unwrap_or_else(|_panic| Err("what judges it panicked".to_owned()))
    }
}

impl Default for Validate {
    fn default() -> Self {
        Self::by(|_| Ok(()))
    }
}

impl fmt::Debug for Validate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validate")
    }
}

impl Default for ViewOptions {
    fn default() -> Self {
        Self {
            max_stale: None,
            refresh: Duration::from_secs(10),
            negative_ttl: Duration::from_secs(1),
            negatives: 10_000,
            initial_wait: Duration::from_secs(2),
            read_timeout: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            idle: Duration::from_secs(300),
            guard_window: Duration::from_secs(15),
            grace: Duration::from_secs(30),
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
            snapshots: None,
            validate: Validate::default(),
            seed: 0,
        }
    }
}
