//! All lanes: made on demand, bounded in number, evicted when idle.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::time::Instant;

use crate::{
    Bound, DispatchError, LaneCounts, LaneKey, LaneSettings, LaneStatus, LaneUpdate, Transports, lane::Lane,
};

/// The settings of each lane.
pub type Rules = Arc<dyn Fn(&LaneKey) -> LaneSettings + Send + Sync>;

/// The lanes of a pool.
pub(crate) struct Lanes {
    map: RwLock<HashMap<LaneKey, Arc<Lane>>>,
    /// The sum of what evicted lanes had counted.
    evicted: RwLock<LaneCounts>,
    rules: RwLock<Rules>,
    transports: Arc<dyn Transports>,
    max: usize,
    idle: Duration,
}

impl Lanes {
    pub(crate) fn new(rules: Rules, transports: Arc<dyn Transports>, max: usize, idle: Duration) -> Self {
        Self {
            map: RwLock::default(),
            evicted: RwLock::default(),
            rules: RwLock::new(rules),
            transports,
            max: max.max(1),
            idle,
        }
    }

    /// The lane of this name, made if need be.
    pub(crate) fn get(&self, key: &LaneKey) -> Result<Arc<Lane>, DispatchError> {
        if let Some(lane) = self.map.read().get(key) {
            lane.touch();
            return Ok(Arc::clone(lane));
        }
        let mut map = self.map.write();
        if let Some(lane) = map.get(key) {
            lane.touch();
            return Ok(Arc::clone(lane));
        }
        if map.len() >= self.max && !self.make_room(&mut map) {
            return Err(DispatchError::Full {
                lane: key.clone(),
                bound: Bound::Lanes,
                limit: self.max,
            });
        }
        let settings = (self.rules.read())(key);
        let transport = self
            .transports
            .for_lane(key)
            .map_err(|error| DispatchError::Transport {
                lane: key.clone(),
                error,
            })?;
        let lane = Arc::new(Lane::new(key.clone(), settings, transport));
        map.insert(key.clone(), Arc::clone(&lane));
        Ok(lane)
    }

    /// Evicts the lane that has been idle for the longest time, an evictable one first. It looks at every lane for each new
    /// one; with some hundreds of them that takes microseconds.
    fn make_room(&self, map: &mut HashMap<LaneKey, Arc<Lane>>) -> bool {
        let mut oldest: Option<(bool, Instant, &LaneKey)> = None;
        for lane in map.values().filter(|lane| is_unused(lane)) {
            let used_at = lane.used_at();
            // Looking into a lane takes its locks, so skip the lanes that are younger than one that will do.
            if oldest.is_some_and(|(last, oldest, _)| !last && oldest <= used_at) {
                continue;
            }
            let this = (!lane.is_evictable(), used_at, &lane.key);
            if oldest.is_none_or(|oldest| (this.0, this.1) < (oldest.0, oldest.1)) {
                oldest = Some(this);
            }
        }
        let Some(key) = oldest.map(|(_, _, key)| key.clone()) else {
            return false;
        };
        self.remove(map, &key);
        true
    }

    fn remove(&self, map: &mut HashMap<LaneKey, Arc<Lane>>, key: &LaneKey) {
        if let Some(lane) = map.remove(key) {
            *self.evicted.write() += lane.counters.counts();
        }
    }

    /// Evicts lanes that have been idle for long enough, and ends overrides whose time is over.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        let mut map = self.map.write();
        for lane in map.values() {
            lane.expire_override(now);
        }
        let over = map.values().filter(|lane| {
            is_unused(lane) && lane.is_evictable() && now.duration_since(lane.used_at()) >= self.idle
        });
        let over: Vec<_> = over.map(|lane| lane.key.clone()).collect();
        for key in over {
            self.remove(&mut map, &key);
        }
        // A map that was large once would keep its memory.
        if map.capacity() > 64 && map.len() * 4 < map.capacity() {
            map.shrink_to_fit();
        }
    }

    /// How often [`Self::sweep`] should be called.
    pub(crate) fn sweep_interval(&self) -> Duration {
        (self.idle / 4).clamp(Duration::from_millis(100), Duration::from_secs(1))
    }

    pub(crate) fn set_rules(&self, rules: &Rules) {
        *self.rules.write() = Arc::clone(rules);
        for lane in self.map.read().values() {
            lane.set_base(rules(&lane.key));
        }
    }

    /// All lanes in the order of their names, and the sum of those that were evicted.
    pub(crate) fn status(&self) -> (Vec<LaneStatus>, LaneCounts) {
        let mut all: Vec<_> = self.map.read().values().map(|lane| lane.status()).collect();
        all.sort_by(|a, b| a.lane.cmp(&b.lane));
        (all, *self.evicted.read())
    }

    pub(crate) fn one(&self, key: &LaneKey) -> Option<LaneStatus> {
        self.map.read().get(key).map(|lane| lane.status())
    }

    pub(crate) fn update(&self, key: &LaneKey, update: &LaneUpdate) -> Result<LaneStatus, DispatchError> {
        let lane = self.get(key)?;
        lane.update(update);
        Ok(lane.status())
    }

    pub(crate) fn reset(&self, key: &LaneKey) -> Option<LaneStatus> {
        let map = self.map.read();
        let lane = map.get(key)?;
        lane.reset();
        Some(lane.status())
    }
}

/// Whether nothing but the map holds it: no task, no body, no permit. Asked under the write lock, so that no task can take
/// it meanwhile.
fn is_unused(lane: &Arc<Lane>) -> bool {
    Arc::strong_count(lane) == 1
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lanes({} of {})", self.map.read().len(), self.max)
    }
}
