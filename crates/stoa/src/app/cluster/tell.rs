//! What is new, for other nodes.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use stoa_module::PatternList;
use stoa_proxy::{About, ClusterPeers};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

/// How long another node is told what is new that cannot be reached. It hears of it all the same when this one asks it.
const TELLING: Duration = Duration::from_secs(60);
/// The first pause after a failure; each one is twice as long,
const PAUSE: Duration = Duration::from_millis(100);
/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The most bytes of patterns that wait for one node; more are told as "everything".
const MOST_BYTES: usize = 8 << 10;
/// What every module matches.
const EVERYTHING: &str = "*";

/// What one node has not heard yet. Each pattern is there once.
#[derive(Debug, Default, PartialEq)]
struct Unheard {
    patterns: BTreeSet<String>,
    bytes: usize,
}

impl Unheard {
    fn add(&mut self, modules: &PatternList) {
        for glob in modules.globs() {
            if self.patterns.contains(EVERYTHING) {
                return;
            }
            if self.patterns.insert(glob.to_owned()) {
                self.bytes += glob.len() + 1;
            }
            if self.bytes > MOST_BYTES {
                self.patterns = BTreeSet::from([EVERYTHING.to_owned()]);
                self.bytes = EVERYTHING.len() + 1;
            }
        }
    }

    fn modules(&self) -> PatternList {
        let patterns: Vec<_> = self.patterns.iter().map(String::as_str).collect();
        PatternList::parse(&patterns.join(","))
    }
}

/// What has to be told, by node. A node is in it while somebody tells it something.
type Queues = Arc<Mutex<BTreeMap<Arc<str>, Unheard>>>;

/// Tells all other nodes what is new, as it comes: each by itself, so that none waits for one that cannot be reached. Never ends.
pub(super) async fn tell_others(mut refreshes: mpsc::Receiver<PatternList>, peers: Arc<ClusterPeers>) {
    let queues = Queues::default();
    // They end with this.
    let mut telling = JoinSet::new();
    loop {
        let modules = tokio::select! {
            biased;
            Some(_ended) = telling.join_next() => continue,
            modules = refreshes.recv() => modules,
        };
        let Some(modules) = modules else {
            pending::<()>().await;
            return;
        };
        for (id, _) in peers.by_id() {
            let mut queues_now = queues.lock();
            let is_told = queues_now.contains_key(&id);
            queues_now.entry(Arc::clone(&id)).or_default().add(&modules);
            drop(queues_now);
            if !is_told {
                telling.spawn(tell(id, Arc::clone(&peers), Arc::clone(&queues)));
            }
        }
    }
}

/// Tells one node what waits for it, until nothing does.
async fn tell(id: Arc<str>, peers: Arc<ClusterPeers>, queues: Queues) {
    let mut unheard = Unheard::default();
    let mut pause = PAUSE;
    let mut until = Instant::now() + TELLING;
    loop {
        // Whatever has come meanwhile goes with it.
        if take(&queues, &id, &mut unheard) {
            until = Instant::now() + TELLING;
        }
        if unheard.patterns.is_empty() {
            return;
        }
        let modules = unheard.modules();
        // It may have gone, or be somewhere else by now.
        let Some(peer) = peers.peer(&id) else {
            queues.lock().remove(&id);
            return;
        };
        if peer.tell(About::Refresh(modules.to_string())).await.is_ok() {
            (unheard, pause) = (Unheard::default(), PAUSE);
            continue;
        }
        if Instant::now() + pause > until {
            tracing::warn!(node = %id, %modules, "a node has not heard that there is something new");
            unheard = Unheard::default();
            continue;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Adds what waits to what is not heard yet, and whether there was something. If nothing is left at all, the node leaves the queue.
fn take(queues: &Queues, id: &Arc<str>, unheard: &mut Unheard) -> bool {
    let mut queues = queues.lock();
    let Some(waiting) = queues.get_mut(id) else {
        return false;
    };
    let waiting = std::mem::take(waiting);
    if waiting.patterns.is_empty() {
        if unheard.patterns.is_empty() {
            queues.remove(id);
        }
        return false;
    }
    unheard.add(&waiting.modules());
    true
}

#[cfg(test)]
mod tests;
