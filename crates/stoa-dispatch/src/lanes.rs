//! All lanes: made on demand, bounded in number, evicted when idle.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Bound, DispatchError, LaneCounts, LaneKey, LaneSettings, LaneStatus, LaneUpdate, Transports,
    lane::{Lane, LaneLife},
    site_of,
};

/// How long a lane is left alone while its server has not answered yet: a live one needs less for a first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(2);
/// How long a server may be silent that has answered before: it may have to compute what is asked.
const LATER_ANSWER: Duration = Duration::from_secs(5);

/// The settings of each lane.
pub type Rules = Arc<dyn Fn(&LaneKey) -> LaneSettings + Send + Sync>;

/// The lanes of a pool.
pub(crate) struct Lanes {
    map: RwLock<HashMap<LaneKey, Arc<Lane>>>,
    /// The sum of what lanes had counted that are gone.
    gone: Arc<Mutex<LaneCounts>>,
    rules: RwLock<Rules>,
    transports: Arc<dyn Transports>,
    bounds: LaneBounds,
    abort: CancellationToken,
}

/// Which lanes there may be.
#[derive(Clone, Debug)]
pub(crate) struct LaneBounds {
    /// All but those named below and those with an override, of which there may be as many again.
    pub(crate) max: usize,
    /// After how long an idle one is evicted.
    pub(crate) idle: Duration,
    /// Lanes that do not count and make no room for others.
    pub(crate) named: HashSet<LaneKey>,
}

impl Lanes {
    /// Giving `abort` cuts off everything in all lanes.
    pub(crate) fn new(
        rules: Rules,
        transports: Arc<dyn Transports>,
        bounds: LaneBounds,
        abort: CancellationToken,
    ) -> Self {
        Self {
            map: RwLock::default(),
            gone: Arc::default(),
            rules: RwLock::new(rules),
            transports,
            bounds,
            abort,
        }
    }

    /// The lane of this name, made if need be.
    pub(crate) fn get(&self, key: &LaneKey) -> Result<Arc<Lane>, DispatchError> {
        self.get_or_make(key, Self::make_room)
    }

    /// `make_room` is asked, with the lanes and the name, whether there may be one more.
    fn get_or_make(
        &self,
        key: &LaneKey,
        make_room: impl FnOnce(&Self, &mut HashMap<LaneKey, Arc<Lane>>, &LaneKey) -> bool,
    ) -> Result<Arc<Lane>, DispatchError> {
        if let Some(lane) = self.map.read().get(key) {
            if is_unused(lane) {
                lane.hears();
            }
            lane.touch();
            return Ok(Arc::clone(lane));
        }
        let mut map = self.map.write();
        if let Some(lane) = map.get(key) {
            lane.touch();
            return Ok(Arc::clone(lane));
        }
        let named = self.bounds.named.contains(key);
        if !named && !make_room(self, &mut map, key) {
            return Err(self.full(key));
        }
        let settings = (self.rules.read())(key);
        let transport = self
            .transports
            .for_lane(key)
            .map_err(|error| DispatchError::Transport {
                lane: key.clone(),
                error,
            })?;
        let lane = Arc::new(Lane::new(
            key.clone(),
            settings,
            transport,
            LaneLife {
                named,
                abort: self.abort.child_token(),
                gone: Arc::clone(&self.gone),
            },
        ));
        map.insert(key.clone(), Arc::clone(&lane));
        Ok(lane)
    }

    /// Whether there may be one more: there are fewer than the bound, or one makes room. That is the lane that has been idle
    /// for the longest time, an evictable one first. Where all are in use, it is one of the site that has the most lanes, if
    /// it has more than the site of the new one would have then; else the one whose server has been silent for the longest
    /// time, and for too long; one that has never answered anything goes first. So hosts that answer are asked, however many
    /// hosts hang, and whatever those have answered before.
    ///
    /// It looks at every lane for each new one; with some hundreds of them that takes microseconds.
    fn make_room(&self, map: &mut HashMap<LaneKey, Arc<Lane>>, key: &LaneKey) -> bool {
        if map.len() < self.bounds.max {
            return true;
        }
        let counted: Vec<_> = map.values().filter(|lane| lane.makes_room()).collect();
        if counted.len() < self.bounds.max {
            return true;
        }
        let evicted = idlest(&counted)
            .or_else(|| of_the_largest_site(&counted, key))
            .or_else(|| most_silent(&counted));
        let Some(evicted) = evicted.map(|lane| lane.key.clone()) else {
            return false;
        };
        if let Some(lane) = map.remove(&evicted) {
            lane.evict();
        }
        true
    }

    /// Whether there may be one more lane with an override.
    fn make_room_for_override(&self, map: &mut HashMap<LaneKey, Arc<Lane>>, _: &LaneKey) -> bool {
        self.may_override(map)
    }

    fn may_override(&self, map: &HashMap<LaneKey, Arc<Lane>>) -> bool {
        map.len() < self.bounds.max
            || map.values().filter(|lane| lane.is_overridden()).count() < self.bounds.max
    }

    fn full(&self, key: &LaneKey) -> DispatchError {
        DispatchError::Full {
            lane: key.clone(),
            bound: Bound::Lanes,
            limit: self.bounds.max,
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
            is_unused(lane) && lane.is_evictable() && now.duration_since(lane.used_at()) >= self.bounds.idle
        });
        let over: Vec<_> = over.map(|lane| lane.key.clone()).collect();
        for key in over {
            map.remove(&key);
        }
        // A map that was large once would keep its memory.
        if map.capacity() > 64 && map.len() * 4 < map.capacity() {
            map.shrink_to_fit();
        }
    }

    /// How often [`Self::sweep`] should be called.
    pub(crate) fn sweep_interval(&self) -> Duration {
        (self.bounds.idle / 4).clamp(Duration::from_millis(100), Duration::from_secs(1))
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
        (all, *self.gone.lock())
    }

    pub(crate) fn one(&self, key: &LaneKey) -> Option<LaneStatus> {
        self.map.read().get(key).map(|lane| lane.status())
    }

    pub(crate) fn update(&self, key: &LaneKey, update: &LaneUpdate) -> Result<LaneStatus, DispatchError> {
        let lane = self.get_or_make(key, Self::make_room_for_override)?;
        if !lane.is_overridden() && !self.may_override(&self.map.read()) {
            return Err(self.full(key));
        }
        lane.update(update);
        Ok(lane.status())
    }

    pub(crate) fn throttle(&self, key: &LaneKey, pause: Duration) {
        if let Some(lane) = self.map.read().get(key) {
            lane.throttle(pause);
        }
    }

    pub(crate) fn reset(&self, key: &LaneKey) -> Option<LaneStatus> {
        let map = self.map.read();
        let lane = map.get(key)?;
        lane.reset();
        Some(lane.status())
    }
}

/// Whether nothing but the map holds it: no task, no body, no permit. Asked under the write lock, no task can take it
/// meanwhile.
fn is_unused(lane: &Arc<Lane>) -> bool {
    Arc::strong_count(lane) == 1
}

/// The lane that has been idle for the longest time, an evictable one first.
fn idlest<'a>(lanes: &[&'a Arc<Lane>]) -> Option<&'a Arc<Lane>> {
    let mut oldest: Option<(bool, Instant, &Arc<Lane>)> = None;
    for &lane in lanes.iter().filter(|lane| is_unused(lane)) {
        let used_at = lane.used_at();
        // Looking into a lane takes its locks, so skip the lanes that are younger than one that will do.
        if oldest.is_some_and(|(last, oldest, _)| !last && oldest <= used_at) {
            continue;
        }
        let this = (!lane.is_evictable(), used_at, lane);
        if oldest.is_none_or(|oldest| (this.0, this.1) < (oldest.0, oldest.1)) {
            oldest = Some(this);
        }
    }
    oldest.map(|(.., lane)| lane)
}

/// Of the site that has the most lanes, the one that was last used the longest time ago; `None` if the site of `key` would
/// have as many.
fn of_the_largest_site<'a>(lanes: &[&'a Arc<Lane>], key: &LaneKey) -> Option<&'a Arc<Lane>> {
    let mut sites: HashMap<Cow<'_, str>, usize> = HashMap::new();
    for lane in lanes {
        *sites.entry(site_of(lane.key.as_str())).or_default() += 1;
    }
    let own = sites.get(&site_of(key.as_str())).copied().unwrap_or(0);
    let (largest, count) = sites.iter().max_by_key(|(_, count)| **count)?;
    if *count <= own + 1 {
        return None;
    }
    let theirs = lanes.iter().filter(|lane| site_of(lane.key.as_str()) == *largest);
    theirs.min_by_key(|lane| lane.used_at()).copied()
}

/// The lane whose server has been silent for the longest time, and for too long; one that has never answered goes first.
fn most_silent<'a>(lanes: &[&'a Arc<Lane>]) -> Option<&'a Arc<Lane>> {
    let now = Instant::now();
    let too_silent = lanes.iter().filter_map(|lane| {
        let (has_answered, since) = lane.silence();
        let allowed = if has_answered { LATER_ANSWER } else { FIRST_ANSWER };
        (now.duration_since(since) >= allowed).then_some(((has_answered, since), *lane))
    });
    too_silent
        .min_by_key(|(silence, _)| *silence)
        .map(|(_, lane)| lane)
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lanes({} of {})", self.map.read().len(), self.bounds.max)
    }
}
