//! What `/readyz` says of the cluster.

use std::sync::Arc;

use stoa_proxy::{ClusterPeers, Reach};
use stoa_registry::{AnnouncerStanding, NodeState};
use stoa_server::Condition;

use super::{control::Control, own_place::OwnPlace, own_state::OwnState};

/// Says at `/readyz` whether others can see this node. One whose id is taken, or whose address is another one where nodes are
/// given, is not ready: others would take another node for it.
#[derive(Debug)]
pub(super) struct Visibility {
    control: Arc<Control>,
}

impl Visibility {
    pub(super) fn new(control: Arc<Control>) -> Self {
        Self { control }
    }

    /// What is said where nodes are given.
    fn given(&self) -> Result<String, String> {
        let (me, registry) = (self.control.me(), self.control.registry());
        let id = &me.id;
        match self.control.own_place() {
            None => Ok(format!(
                "cluster: {registry} has not been read; this node goes on by itself"
            )),
            Some(OwnPlace::Here(NodeState::Ready)) => Ok(format!("cluster: {id}, as it is given")),
            Some(OwnPlace::Here(_)) => Ok(format!("cluster: {id}, as it is given; draining")),
            Some(OwnPlace::Elsewhere(theirs)) => Err(format!(
                "cluster: {registry} has {id} at {theirs}, and this node is at {}: correct it there, or peer.advertise",
                me.address
            )),
            Some(OwnPlace::Absent) => Ok(format!(
                "cluster: {id} is not in {registry}; this node goes on by itself"
            )),
        }
    }
}

impl Condition for Visibility {
    fn check(&self) -> Result<Option<String>, String> {
        let own = self.control.own();
        let Some(standing) = own.and_then(OwnState::standing) else {
            return Ok(None);
        };
        let id = &self.control.me().id;
        let draining = if own.is_some_and(OwnState::is_draining) {
            "; draining"
        } else {
            ""
        };
        match standing {
            AnnouncerStanding::Taken { .. } => Err(format!("cluster: another node is announced as {id}")),
            AnnouncerStanding::Announced { .. } => Ok(Some(format!("cluster: announced as {id}{draining}"))),
            AnnouncerStanding::Given => self.given().map(Some),
            AnnouncerStanding::Pending | AnnouncerStanding::Failing { .. } => Ok(Some(format!(
                "cluster: {id} is not announced; this node goes on by itself{draining}"
            ))),
            AnnouncerStanding::Left => Ok(None),
        }
    }
}

/// Says at `/readyz` which of the others are reached. It makes nobody unready: a node does without those who are away.
#[derive(Debug)]
pub(super) struct Reached {
    peers: Arc<ClusterPeers>,
}

impl Reached {
    pub(super) fn new(peers: Arc<ClusterPeers>) -> Self {
        Self { peers }
    }
}

/// The most nodes that a line names.
const MOST: usize = 8;

impl Condition for Reached {
    fn check(&self) -> Result<Option<String>, String> {
        let all = self.peers.by_id();
        if all.is_empty() {
            return Ok(None);
        }
        let mut not = Vec::new();
        for (id, peer) in &all {
            match peer.reach() {
                Reach::Reached => {}
                Reach::Unknown => not.push(format!("{id} (not asked yet)")),
                Reach::Lost(_) => not.push(id.to_string()),
                Reach::Refused(_) => not.push(format!("{id} (refused)")),
            }
        }
        let (reached, count) = (all.len() - not.len(), all.len());
        let mut line = format!("cluster: {reached} of {count} other nodes reached");
        if !not.is_empty() {
            let more = not.len().saturating_sub(MOST);
            not.truncate(MOST);
            line = format!("{line}, not {}", not.join(", "));
            if more > 0 {
                line = format!("{line} and {more} more");
            }
        }
        Ok(Some(line))
    }
}
