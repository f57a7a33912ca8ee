//! The other nodes, as they are now.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::{
    contact::Reach,
    member::Member,
    members::Members,
    peer::{Peer, Peers},
    ranks::Ranks,
};
use crate::OwnerKey;

/// How many owners are asked before this node does it itself.
const MOST_OWNERS: usize = 2;
/// How many nodes are asked for what they have stored.
const MOST_HOLDERS: usize = 2;

/// Makes what asks a node.
pub type MakePeer = Box<dyn Fn(&Member) -> Arc<dyn Peer> + Send + Sync>;

/// The nodes of a cluster as this one sees them, and how it asks the others.
pub struct ClusterPeers {
    me: Arc<str>,
    make: MakePeer,
    has_one_storage: bool,
    state: RwLock<State>,
    /// Those who have asked this node, and are not reached by it.
    heard: Mutex<HashSet<Arc<str>>>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    members: Members,
    peers: HashMap<Arc<str>, (Member, Arc<dyn Peer>)>,
    /// Of these members.
    ranks: Mutex<Ranks>,
}

impl State {
    /// What asks those of these who are up.
    fn up<'a>(&self, members: impl Iterator<Item = &'a Member>) -> impl Iterator<Item = Arc<dyn Peer>> {
        let peers = members.filter_map(|member| self.peers.get(&member.id));
        peers
            .map(|(_, peer)| peer)
            .filter(|peer| peer.is_up())
            .map(Arc::clone)
    }
}

impl ClusterPeers {
    /// Nobody but this node, until others are told. `has_one_storage` says that all nodes have the same storage.
    pub fn new(me: Arc<str>, has_one_storage: bool, make: MakePeer) -> Self {
        Self {
            me,
            make,
            has_one_storage,
            state: RwLock::default(),
            heard: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// These are the nodes from now on, this one among them if others see it.
    pub fn set(&self, members: Members) {
        let mut state = self.state.write();
        let mut known = std::mem::take(&mut state.peers);
        for member in members.all().iter().filter(|member| member.id != self.me) {
            // One that is where it was keeps its session and what is known of its health.
            let kept = known
                .remove(&member.id)
                .filter(|(was, _)| was.address == member.address && was.instance == member.instance);
            let peer = kept.map_or_else(|| (self.make)(member), |(_, peer)| peer);
            state.peers.insert(Arc::clone(&member.id), (member.clone(), peer));
        }
        state.members = members;
        state.ranks = Mutex::default();
        drop(state);
        self.changed.notify_one();
    }

    /// The nodes.
    pub fn members(&self) -> Members {
        self.state.read().members.clone()
    }

    /// What asks the node of this id, if there is one.
    pub fn peer(&self, id: &str) -> Option<Arc<dyn Peer>> {
        self.state.read().peers.get(id).map(|(_, peer)| Arc::clone(peer))
    }

    /// This node has asked something: where it was not reached before, it can be by now.
    pub fn heard_from(&self, id: &str) {
        let state = self.state.read();
        let Some((id, (_, peer))) = state.peers.get_key_value(id) else {
            return;
        };
        if peer.reach() != Reach::Reached && self.heard.lock().insert(Arc::clone(id)) {
            self.changed.notify_one();
        }
    }

    /// Waits until nodes have come or gone, or one has asked that is not reached. For one who waits.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Those who have asked since the last time that this was called, and were not reached.
    pub(super) fn take_heard(&self) -> HashSet<Arc<str>> {
        std::mem::take(&mut *self.heard.lock())
    }

    /// The other nodes by id, and what asks each.
    pub fn by_id(&self) -> Vec<(Arc<str>, Arc<dyn Peer>)> {
        let state = self.state.read();
        let peers = state.peers.iter();
        let mut all: Vec<_> = peers
            .map(|(id, (_, peer))| (Arc::clone(id), Arc::clone(peer)))
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// What asks each of the other nodes.
    pub fn others(&self) -> Vec<Arc<dyn Peer>> {
        let state = self.state.read();
        state.peers.values().map(|(_, peer)| Arc::clone(peer)).collect()
    }

    /// What `choose` takes of the members, who come in their order for `key`: of the first ones, and of all if it finds no more than
    /// none among them.
    fn first(
        &self,
        state: &State,
        key: &OwnerKey,
        choose: impl Fn(&mut dyn Iterator<Item = &Member>) -> Vec<Arc<dyn Peer>>,
    ) -> Vec<Arc<dyn Peer>> {
        if state.peers.is_empty() {
            return Vec::new();
        }
        let all = state.members.all();
        let first = state.ranks.lock().first(key, &state.members);
        let chosen = choose(&mut first.iter().map(|place| &all[*place]));
        let is_me = |place: &usize| all[*place].id == self.me;
        if !chosen.is_empty() || first.len() == all.len() || first.iter().any(is_me) {
            return chosen;
        }
        choose(&mut state.members.ranked(key).map(|place| &all[place]))
    }

    /// Whether this node is seen, and wants to own something.
    pub fn is_owner(&self) -> bool {
        let state = self.state.read();
        state
            .members
            .all()
            .iter()
            .any(|member| member.id == self.me && member.is_owner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Peers for ClusterPeers {
    fn owners(&self, key: &OwnerKey) -> Vec<Arc<dyn Peer>> {
        let state = self.state.read();
        let wanted = |member: &&Member| member.is_owner;
        self.first(&state, key, |ranked| {
            let before_me = ranked.filter(wanted).take_while(|member| member.id != self.me);
            let up = state.up(before_me).filter(|peer| !peer.is_draining());
            up.take(MOST_OWNERS).collect()
        })
    }

    fn holders(&self, key: &OwnerKey) -> Vec<Arc<dyn Peer>> {
        if self.has_one_storage {
            return Vec::new();
        }
        let state = self.state.read();
        self.first(&state, key, |ranked| {
            state.up(ranked).take(MOST_HOLDERS).collect()
        })
    }
}

impl fmt::Display for ClusterPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("peers")
    }
}

impl fmt::Debug for ClusterPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterPeers")
            .field("me", &self.me)
            .field("members", &self.state.read().members)
            .finish_non_exhaustive()
    }
}
