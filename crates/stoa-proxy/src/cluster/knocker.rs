//! Knocks at the other nodes.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use super::{
    cluster_peers::ClusterPeers,
    contact::{REACH, Reach},
    peer::Peer,
};

/// How often nodes are knocked at.
#[derive(Clone, Copy, Debug)]
pub struct KnockOptions {
    /// A node of which nothing was heard is knocked at after this time, or up to half as much later.
    pub every: Duration,
    /// How many are knocked at at a time.
    pub most: usize,
    /// From what the spread is drawn.
    pub seed: u64,
}

impl Default for KnockOptions {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(2),
            most: 64,
            seed: 0,
        }
    }
}

/// Knocks at the other nodes, so that it is known of each whether it is reached before a client has to wait for it. A node that
/// was heard of lately, because somebody has asked it something, is left alone. It tells the log of a node that should be there and
/// is not reached, once, and of its return.
pub struct Knocker {
    peers: Arc<ClusterPeers>,
    options: KnockOptions,
    nodes: HashMap<Arc<str>, Known>,
    random: u64,
}

/// What is known of the knocks at one node.
struct Known {
    peer: Arc<dyn Peer>,
    due: Instant,
    /// When it was knocked at last.
    knocked: Option<Instant>,
    /// Whether it has asked something since then.
    has_asked: bool,
    is_knocking: bool,
    /// Since when it has not been reached.
    lost: Option<Instant>,
    /// What the log was told.
    told: Option<Reach>,
}

impl Known {
    /// When it may be knocked at again, however often it asks.
    fn soonest(&self, every: Duration) -> Instant {
        let now = Instant::now();
        self.knocked.map_or(now, |at| (at + every / 4).max(now))
    }
}

type Knocks = FuturesUnordered<BoxFuture<'static, (Arc<str>, Arc<dyn Peer>)>>;

impl Knocker {
    /// Knocks at the nodes of `peers`, once it runs.
    pub fn new(peers: Arc<ClusterPeers>, options: KnockOptions) -> Self {
        Self {
            peers,
            random: options.seed,
            options,
            nodes: HashMap::new(),
        }
    }

    /// Knocks for ever. Dropping the future ends it at once.
    pub async fn run(mut self) {
        let mut knocks = Knocks::new();
        loop {
            self.take_over();
            self.knock(&mut knocks);
            self.tell();
            let peers = Arc::clone(&self.peers);
            tokio::select! {
                Some((id, peer)) = knocks.next() => self.has_knocked(&id, &peer),
                () = sleep_until(self.next()) => {}
                () = peers.changed() => {}
            }
        }
    }

    /// Who is there, and who has asked this node though he was not reached.
    fn take_over(&mut self) {
        let now = Instant::now();
        let there: HashMap<_, _> = self.peers.by_id().into_iter().collect();
        // One that came back under its id is another one, and nobody has knocked at it.
        self.nodes
            .retain(|id, known| there.get(id).is_some_and(|peer| Arc::ptr_eq(peer, &known.peer)));
        for (id, peer) in there {
            self.nodes.entry(id).or_insert_with(|| Known {
                peer,
                due: now,
                knocked: None,
                has_asked: false,
                is_knocking: false,
                lost: None,
                told: None,
            });
        }
        for id in self.peers.take_heard() {
            if let Some(known) = self.nodes.get_mut(&id) {
                known.has_asked = true;
                known.due = known.due.min(known.soonest(self.options.every));
            }
        }
    }

    fn knock(&mut self, knocks: &mut Knocks) {
        let now = Instant::now();
        let mut due: Vec<_> = self
            .nodes
            .iter()
            .filter(|(_, known)| !known.is_knocking && known.due <= now)
            .map(|(id, known)| (known.due, Arc::clone(id)))
            .collect();
        due.sort();
        for (_, id) in due {
            let later = now + self.pause();
            let Some(known) = self.nodes.get_mut(&id) else {
                continue;
            };
            // What it wants to own is asked of itself, for it may say something else by now.
            let is_heard = known.peer.reach() == Reach::Reached
                && !known.peer.is_draining()
                && known
                    .peer
                    .heard_ago()
                    .is_some_and(|ago| ago < self.options.every / 2);
            if is_heard {
                known.due = later;
                continue;
            }
            if knocks.len() >= self.options.most {
                // The next one that ends makes room.
                return;
            }
            known.is_knocking = true;
            known.knocked = Some(now);
            known.has_asked = false;
            let peer = Arc::clone(&known.peer);
            let knock = async move {
                // What came of it is told by the peer.
                drop(peer.knock().await);
                (id, peer)
            };
            knocks.push(knock.boxed());
        }
    }

    fn has_knocked(&mut self, id: &str, peer: &Arc<dyn Peer>) {
        let due = Instant::now() + self.pause();
        if let Some(known) = self.nodes.get_mut(id)
            && Arc::ptr_eq(&known.peer, peer)
        {
            known.is_knocking = false;
            // What it asked while it was knocked at says that it is there by now.
            let is_there = known.has_asked && peer.reach() != Reach::Reached;
            known.due = if is_there {
                known.soonest(self.options.every)
            } else {
                due
            };
        }
    }

    /// Tells the log of nodes that are lost, and of those that are back.
    fn tell(&mut self) {
        let now = Instant::now();
        for (node, known) in &mut self.nodes {
            match known.peer.reach() {
                Reach::Reached => {
                    known.lost = None;
                    if known.told.take().is_some() {
                        tracing::info!(%node, "a node of the cluster is reached again");
                    }
                }
                // It is no accident, and does not pass by itself.
                reach @ Reach::Refused(_) if known.told.as_ref() == Some(&reach) => {}
                Reach::Refused(why) => {
                    tracing::warn!(%node, error = %why, "a node of the cluster cannot be asked: look at its peer.advertise and peer.secret_file, and at those of this node");
                    known.told = Some(Reach::Refused(why));
                }
                Reach::Lost(why) => {
                    let lost = *known.lost.get_or_insert(now);
                    if known.told.is_none() && now >= lost + REACH {
                        tracing::warn!(%node, error = %why, "a node that should be there is not reached");
                        known.told = Some(Reach::Lost(why));
                    }
                }
                Reach::Unknown => {}
            }
        }
    }

    /// When there is something to do next: not later than in a second, for what is told of nodes changes with time.
    fn next(&self) -> Instant {
        let soon = Instant::now() + Duration::from_secs(1);
        let idle = self.nodes.values().filter(|known| !known.is_knocking);
        let now = Instant::now();
        // One that is due already waits for a place, which the end of another knock makes.
        let due = idle.map(|known| known.due).filter(|due| *due > now).min();
        due.map_or(soon, |due| due.min(soon))
    }

    /// Once to one and a half times the time between knocks.
    fn pause(&mut self) -> Duration {
        // The generator of Knuth's MMIX: it only has to spread.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let thousandth = u32::try_from(self.random >> 33).unwrap_or(0) % 500;
        self.options.every * (1000 + thousandth) / 1000
    }
}

impl fmt::Debug for Knocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knocker")
            .field("options", &self.options)
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
