//! The cluster, for operators.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_proxy::{About, ClusterPeers, OwnerKey, Reach};
use stoa_registry::{AnnouncerStanding, Followed, NodeState, SeenNode, Source, Standing};
use stoa_server::{ClusterControl, ClusterNode, ClusterStatus, DrainError, Ownership};

use super::{
    node::{Me, WEIGHT_LABEL},
    own_place::OwnPlace,
    own_state::OwnState,
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
    own: Arc<OwnState>,
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

    pub(super) fn of_cluster(me: Me, registry: String, peers: Arc<ClusterPeers>, own: Arc<OwnState>) -> Self {
        let cluster = InCluster {
            peers,
            own,
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

    /// This node.
    pub(super) fn me(&self) -> &Me {
        &self.me
    }

    /// What knows the nodes, for people.
    pub(super) fn registry(&self) -> &str {
        &self.registry
    }

    /// What this node says of itself; `None` for one by itself.
    pub(super) fn own(&self) -> Option<&OwnState> {
        self.cluster.as_ref().map(|cluster| cluster.own.as_ref())
    }

    /// Where this node stands among the others; `None` while nothing is known.
    pub(super) fn own_place(&self) -> Option<OwnPlace> {
        let followed = self.cluster.as_ref()?.followed.lock().clone()?;
        let seen = followed.seen();
        (seen.source != Source::Unread).then(|| OwnPlace::of(&seen.snapshot, &self.me))
    }

    fn myself(&self, state: &'static str) -> ClusterNode {
        ClusterNode {
            id: self.me.id.to_string(),
            address: self.me.address.clone(),
            version: VERSION.to_owned(),
            state,
            weight: self.me.weight,
            is_self: true,
            reached: "self",
            trouble: None,
            is_up: true,
        }
    }

    fn node(&self, seen: &SeenNode, cluster: &InCluster) -> ClusterNode {
        let registration = &seen.registration;
        let id = &registration.node.id;
        let is_self = *id == self.me.id && registration.node.address == self.me.address;
        let weight = registration.node.metadata.get(WEIGHT_LABEL);
        let peer = cluster.peers.peer(id.as_str()).filter(|_| !is_self);
        let says_draining = if is_self {
            cluster.own.is_draining()
        } else {
            peer.as_ref().is_some_and(|peer| peer.is_draining())
        };
        let reach = peer.map_or(Reach::Unknown, |peer| peer.reach());
        ClusterNode {
            id: id.to_string(),
            address: registration.node.address.clone(),
            version: registration.version.clone(),
            state: match (seen.standing, registration.state) {
                (Standing::Suspect, _) => "suspect",
                (_, NodeState::Ready) if !says_draining => "ready",
                (_, NodeState::Ready | NodeState::Draining | NodeState::Unknown) => "draining",
                (_, NodeState::Leaving) => "leaving",
            },
            weight: weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0),
            is_self,
            is_up: is_self || reach == Reach::Reached,
            reached: if is_self { "self" } else { word(&reach) },
            trouble: match reach {
                Reach::Lost(why) | Reach::Refused(why) => Some(why.to_string()),
                Reach::Unknown | Reach::Reached => None,
            },
        }
    }

    /// Whether this node is reached by itself, or another one by it.
    fn reached(&self, id: &str, peers: &ClusterPeers) -> &'static str {
        if id == self.me.id.as_str() {
            return "self";
        }
        peers.peer(id).map_or("unknown", |peer| word(&peer.reach()))
    }
}

fn word(reach: &Reach) -> &'static str {
    match reach {
        Reach::Unknown => "unknown",
        Reach::Reached => "yes",
        Reach::Lost(_) => "no",
        Reach::Refused(_) => "refused",
    }
}

fn standing_of(cluster: &InCluster) -> &'static str {
    match cluster.own.standing() {
        None | Some(AnnouncerStanding::Pending) => "pending",
        Some(AnnouncerStanding::Announced { .. }) => "announced",
        Some(AnnouncerStanding::Taken { .. }) => "taken",
        Some(AnnouncerStanding::Failing { .. }) => "failing",
        Some(AnnouncerStanding::Given) => "given",
        Some(AnnouncerStanding::Left) => "left",
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
            let (standing, state) = match &self.cluster {
                Some(_) => ("pending", "unseen"),
                None => ("alone", "ready"),
            };
            return ClusterStatus {
                node: self.me.id.to_string(),
                registry: self.registry.clone(),
                standing,
                source: "unread",
                age_seconds: 0.0,
                revision: 0,
                error: None,
                nodes: vec![self.myself(state)],
            };
        };
        let nodes = seen.snapshot.nodes.iter();
        let mut nodes: Vec<_> = nodes.map(|node| self.node(node, cluster)).collect();
        if !nodes.iter().any(|node| node.is_self) {
            let at = nodes.partition_point(|node| node.id.as_str() < self.me.id.as_str());
            nodes.insert(at, self.myself("unseen"));
        }
        ClusterStatus {
            node: self.me.id.to_string(),
            registry: self.registry.clone(),
            standing: standing_of(cluster),
            source: seen.source.as_str(),
            age_seconds: seen.age.as_secs_f64(),
            revision: seen.snapshot.revision.0,
            error: seen.error.map(|error| error.to_string()),
            nodes,
        }
    }

    fn ownership(&self, key: &OwnerKey) -> Ownership {
        let myself = self.me.id.to_string();
        let alone = || Ownership {
            owner: Some(myself.clone()),
            reached: Some("self"),
            meanwhile: None,
            order: vec![myself.clone()],
        };
        let Some(cluster) = &self.cluster else {
            return alone();
        };
        let members = cluster.peers.members();
        if members.all().is_empty() {
            // Nobody is seen, so that this node does everything itself.
            return alone();
        }
        let says_draining = |id: &str| cluster.peers.peer(id).is_some_and(|peer| peer.is_draining());
        let owners = members
            .owners(key)
            .into_iter()
            .map(|member| member.id.to_string());
        let order: Vec<_> = owners.filter(|id| !says_draining(id)).collect();
        let Some(owner) = order.first() else {
            return Ownership::default();
        };
        let reached = self.reached(owner, &cluster.peers);
        let is_there = |id: &str| matches!(self.reached(id, &cluster.peers), "self" | "yes" | "unknown");
        let meanwhile = (!is_there(owner)).then(|| {
            let next = order.iter().find(|id| is_there(id));
            next.unwrap_or(&myself).clone()
        });
        Ownership {
            owner: Some(owner.clone()),
            reached: Some(reached),
            meanwhile,
            order,
        }
    }

    async fn drain(&self, node: &str, is_draining: bool) -> Result<bool, DrainError> {
        let unknown = || DrainError::Unknown(node.to_owned());
        let cluster = self.cluster.as_ref().ok_or_else(unknown)?;
        if cluster.own.is_given() {
            return Err(DrainError::Given(self.registry.clone()));
        }
        if node == self.me.id.as_str() {
            let drained = cluster.own.drain(is_draining).await;
            return drained
                .ok_or_else(|| DrainError::Failed("this node does not announce itself".to_owned()));
        }
        let peer = cluster.peers.peer(node).ok_or_else(unknown)?;
        peer.tell(About::Drain(is_draining)).await.map_err(|error| {
            DrainError::Failed(format!(
                "{node} cannot be told, and is as it was: {error}. A node that is down leaves the cluster by itself when registry.ttl has passed"
            ))
        })?;
        // It says by itself whether the registry has heard of it.
        let answer = peer.knock().await;
        Ok(answer.is_ok_and(|answer| answer.announced && answer.draining == is_draining))
    }
}
