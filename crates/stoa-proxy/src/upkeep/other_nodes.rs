//! Other nodes, when versions are removed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use serde::Serialize;
use stoa_module::ModuleVersion;

/// Whether another node has removed what it was told to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeTold {
    /// The node.
    pub node: String,
    /// Why it has not; `None` if it has.
    pub error: Option<String>,
}

/// The other nodes of a cluster.
#[async_trait]
pub trait OtherNodes: fmt::Debug + Send + Sync + 'static {
    /// Has each of them remove these versions, for this reason, and waits for their answers.
    async fn remove(&self, versions: &[ModuleVersion], reason: &str) -> Vec<NodeTold>;
}

/// Where the cluster says which these are, if there is one. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct OtherNodesSlot(Arc<OnceLock<Arc<dyn OtherNodes>>>);

impl OtherNodesSlot {
    /// These are they. The first word stays.
    pub fn fill(&self, nodes: Arc<dyn OtherNodes>) {
        let _second = self.0.set(nodes);
    }

    /// Has each of them remove these versions; none, if there is no cluster.
    pub async fn remove(&self, versions: &[ModuleVersion], reason: &str) -> Vec<NodeTold> {
        match self.0.get() {
            Some(nodes) => nodes.remove(versions, reason).await,
            None => Vec::new(),
        }
    }
}
