//! What an engine is told.

use std::{sync::Arc, time::Duration};

/// What an engine is told.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The name of the node, for people; something random is added to it, so that a node that starts again is another one.
    pub node: Arc<str>,
    /// How long a node may be silent before its jobs are taken for lost.
    pub lease: Duration,
    /// How often leases are renewed: several times within their time, so that one failure loses none.
    pub heartbeat: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            node: "node".into(),
            lease: Duration::from_secs(60),
            heartbeat: Duration::from_secs(10),
        }
    }
}

/// How jobs of one kind are run.
#[derive(Clone, Debug)]
pub struct KindOptions {
    /// How many jobs of the kind run at a time on this node.
    pub workers: usize,
    /// How long a run may take that says nothing itself.
    pub timeout: Option<Duration>,
}

impl Default for KindOptions {
    fn default() -> Self {
        Self {
            workers: 64,
            timeout: None,
        }
    }
}
