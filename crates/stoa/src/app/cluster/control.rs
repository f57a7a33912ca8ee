//! The cluster, for operators.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_proxy::{About, ClusterPeers, OwnerKey};
use stoa_registry::{Announcer, AnnouncerStanding, Followed, NodeState, SeenNode, Standing};
use stoa_server::{ClusterControl, ClusterNode, ClusterStatus, DrainError};

use super::{
    desk::state,
    node::{Me, WEIGHT_LABEL},
};
use crate::app::VERSION;

/// Tells operators who is there, and drains nodes.
#[derive(Debug)]
pub(super) struct Control {
    me: Me,
    registry: String,
    cluster: Option<InCluster>,
}

#[derive(Debug)]
struct InCluster {
    peers: Arc<ClusterPeers>,
    announcer: Arc<Mutex<Option<Arc<Announcer>>>>,
    followed: Mutex<Option<Followed>>,
}

impl Control {
    /// A node by itself.
    pub(super) fn alone(me: Me) -> Self {
        Self {
            me,
            registry: "none".to_owned(),
            cluster: None,
        }
    }

    pub(super) fn of_cluster(
        me: Me,
        registry: String,
        peers: Arc<ClusterPeers>,
        announcer: Arc<Mutex<Option<Arc<Announcer>>>>,
    ) -> Self {
        let cluster = InCluster {
            peers,
            announcer,
            followed: Mutex::new(None),
        };
        Self {
            me,
            registry,
            cluster: Some(cluster),
        }
    }

    /// Tells what is known by this from now on.
    pub(super) fn follow(&self, followed: Followed) {
        if let Some(cluster) = &self.cluster {
            *cluster.followed.lock() = Some(followed);
        }
    }

    /// Lets go of what is followed.
    pub(super) fn end(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.followed.lock().take();
        }
    }

    fn myself(&self) -> ClusterNode {
        ClusterNode {
            id: self.me.id.to_string(),
            address: self.me.address.clone(),
            version: VERSION.to_owned(),
            state: "ready",
            weight: self.me.weight,
            is_self: true,
            is_up: true,
        }
    }

    fn node(&self, seen: &SeenNode, peers: &ClusterPeers) -> ClusterNode {
        let registration = &seen.registration;
        let id = &registration.node.id;
        let is_self = *id == self.me.id && registration.node.address == self.me.address;
        let weight = registration.node.metadata.get(WEIGHT_LABEL);
        ClusterNode {
            id: id.to_string(),
            address: registration.node.address.clone(),
            version: registration.version.clone(),
            state: match (seen.standing, registration.state) {
                (Standing::Suspect, _) => "suspect",
                (_, NodeState::Ready) => "ready",
                (_, NodeState::Draining | NodeState::Unknown) => "draining",
                (_, NodeState::Leaving) => "leaving",
            },
            weight: weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0),
            is_self,
            is_up: is_self || peers.peer(id.as_str()).is_some_and(|peer| peer.is_up()),
        }
    }
}

fn standing_of(cluster: &InCluster) -> &'static str {
    let announcer = cluster.announcer.lock().clone();
    let Some(announcer) = announcer else {
        return "pending";
    };
    let standing = announcer.standing().borrow().clone();
    match standing {
        AnnouncerStanding::Pending => "pending",
        AnnouncerStanding::Announced { .. } => "announced",
        AnnouncerStanding::Taken { .. } => "taken",
        AnnouncerStanding::Failing { .. } => "failing",
        AnnouncerStanding::Given => "given",
        AnnouncerStanding::Left => "left",
    }
}

#[async_trait]
impl ClusterControl for Control {
    fn status(&self) -> ClusterStatus {
        let seen = self.cluster.as_ref().and_then(|cluster| {
            let followed = cluster.followed.lock().clone();
            followed.map(|followed| (cluster, followed.seen()))
        });
        let Some((cluster, seen)) = seen else {
            return ClusterStatus {
                node: self.me.id.to_string(),
                registry: self.registry.clone(),
                standing: if self.cluster.is_some() {
                    "pending"
                } else {
                    "alone"
                },
                source: "unread",
                age_seconds: 0.0,
                revision: 0,
                error: None,
                nodes: vec![self.myself()],
            };
        };
        let nodes = seen.snapshot.nodes.iter();
        ClusterStatus {
            node: self.me.id.to_string(),
            registry: self.registry.clone(),
            standing: standing_of(cluster),
            source: seen.source.as_str(),
            age_seconds: seen.age.as_secs_f64(),
            revision: seen.snapshot.revision.0,
            error: seen.error.map(|error| error.to_string()),
            nodes: nodes.map(|node| self.node(node, &cluster.peers)).collect(),
        }
    }

    fn owners(&self, key: &OwnerKey) -> Vec<String> {
        let owners = self.cluster.as_ref().map(|cluster| {
            let members = cluster.peers.members();
            let owners = members.owners(key).into_iter();
            owners.map(|member| member.id.to_string()).collect::<Vec<_>>()
        });
        match owners {
            Some(owners) if !owners.is_empty() => owners,
            // Nobody is seen, so that this node does everything itself.
            _ => vec![self.me.id.to_string()],
        }
    }

    async fn drain(&self, node: &str, is_draining: bool) -> Result<(), DrainError> {
        let unknown = || DrainError::Unknown(node.to_owned());
        let cluster = self.cluster.as_ref().ok_or_else(unknown)?;
        if standing_of(cluster) == "given" {
            return Err(DrainError::Given(self.registry.clone()));
        }
        if node == self.me.id.as_str() {
            let announcer = cluster.announcer.lock().clone();
            let announcer = announcer
                .ok_or_else(|| DrainError::Failed("this node does not announce itself".to_owned()))?;
            announcer.update(|registration| registration.state = state(is_draining));
            return Ok(());
        }
        let peer = cluster.peers.peer(node).ok_or_else(unknown)?;
        let told = peer.tell(About::Drain(is_draining)).await;
        told.map_err(|error| DrainError::Failed(error.to_string()))
    }
}
