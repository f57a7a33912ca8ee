//! Work that is shared by all callers that want it while it is under way.

use std::{collections::HashMap, fmt, hash::Hash, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{
    error::FlightError,
    flight::{Flight, Found, InFlight},
};

/// Flights by key: the first caller for a key starts one, and callers that come meanwhile join it.
///
/// * A flight is a task on the tracker. It goes on when callers leave, the first one included.
/// * A panic of its work ends it without a result: its callers get [`LostError`](crate::LostError), and the key is free.
/// * After a success the callers are answered first and the key is freed then. Nobody can start a second flight in
///   between and miss what the first one brought.
/// * After a failure the key is freed first. A caller that tries again once it was told of the failure starts a new
///   flight.
/// * At most a fixed number of keys is taken at a time.
///
/// A flight has a state that its callers and its work share, such as its urgency. A caller can act on it before it
/// waits.
///
/// ```
/// use std::{sync::Arc, sync::atomic::{AtomicBool, Ordering}};
/// use stoa_cache::Flights;
/// use tokio_util::task::TaskTracker;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let flights: Flights<String, Arc<AtomicBool>, usize, String> = Flights::new(TaskTracker::new(), 1000);
/// let urgent = || Arc::new(AtomicBool::new(false));
/// let key = "key".to_owned();
///
/// let first = flights.join(&key, urgent, |urgent| async move {
///     Ok(usize::from(urgent.load(Ordering::Relaxed)))
/// })?;
/// let second = flights.join(&key, urgent, |_| async { Err("this one is not needed".to_owned()) })?;
/// second.state().store(true, Ordering::Relaxed);
///
/// let landed = first.wait().await?;
/// assert_eq!((landed.result, landed.joined), (Ok(1), false));
/// let landed = second.wait().await?;
/// assert_eq!((landed.result, landed.joined), (Ok(1), true));
/// # Ok(())
/// # }
/// ```
pub struct Flights<K: Eq + Hash, S, V, E> {
    under_way: Arc<UnderWay<K, S, V, E>>,
    tasks: TaskTracker,
    max: usize,
}

type UnderWay<K, S, V, E> = Mutex<HashMap<K, Arc<InFlight<S, V, E>>>>;

/// The key of a flight. While it exists, callers join the flight, also after its work has ended. Dropping it frees the
/// key.
pub struct FlightKey<K: Eq + Hash, S, V, E> {
    under_way: Arc<UnderWay<K, S, V, E>>,
    key: K,
}

impl<K: Eq + Hash, S, V, E> Drop for FlightKey<K, S, V, E> {
    fn drop(&mut self) {
        // The state is dropped after the lock is released: it may be the last owner of something that uses a flight.
        let removed = self.under_way.lock().remove(&self.key);
        drop(removed);
    }
}

impl<K, S, V, E> Flights<K, S, V, E>
where
    K: Clone + fmt::Display + Eq + Hash + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// At most `max` flights at a time, which run on `tasks`. The owner of that waits for them at shutdown.
    pub fn new(tasks: TaskTracker, max: usize) -> Self {
        Self {
            under_way: Arc::default(),
            tasks,
            max,
        }
    }

    /// Joins the flight of `key`, or starts one that does `work` with a new state.
    ///
    /// `new_state` is called under the lock of these flights: it must be quick and not use them.
    pub fn join<W>(
        &self,
        key: &K,
        new_state: impl FnOnce() -> S,
        work: impl FnOnce(S) -> W,
    ) -> Result<Flight<S, V, E>, FlightError>
    where
        W: Future<Output = Result<V, E>> + Send + 'static,
    {
        match self.join_keeping(key, || None, new_state, work, |_, key| drop(key))? {
            Found::Flight(flight) => Ok(flight),
            Found::Value(_) => unreachable!("the second look finds nothing"),
        }
    }

    /// Like [`join`](Self::join), with a second look for a value before a flight is started.
    ///
    /// This is for callers that looked into a memory which flights fill. One that missed the value just before a flight
    /// put it there, and comes here just after that flight has ended, would do the work once more. `recheck` looks into
    /// the memory again when the key is known to be free. If the work, or `keep` of
    /// [`join_keeping`](Self::join_keeping), puts the value into the memory, no caller can miss both the flight and the
    /// value.
    ///
    /// `recheck` is called under the lock of these flights: it must be quick and not use them.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use stoa_cache::{Cache, CacheOptions, Flights, Found};
    /// use tokio_util::task::TaskTracker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache: Arc<Cache<String, u64>> = Arc::new(Cache::new(CacheOptions::new(1 << 20)));
    /// let flights: Flights<String, (), u64, String> = Flights::new(TaskTracker::new(), 1000);
    /// let key = "key".to_owned();
    ///
    /// let recheck = || cache.get(&key).map(|found| found.value);
    /// let found = flights.join_or(&key, recheck, || (), |()| {
    ///     let (cache, key) = (Arc::clone(&cache), key.clone());
    ///     async move {
    ///         cache.put(key, 7);
    ///         Ok(7)
    ///     }
    /// })?;
    /// let value = match found {
    ///     Found::Value(value) => value,
    ///     Found::Flight(flight) => flight.wait().await?.result?,
    /// };
    /// assert_eq!(value, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn join_or<W>(
        &self,
        key: &K,
        recheck: impl FnOnce() -> Option<V>,
        new_state: impl FnOnce() -> S,
        work: impl FnOnce(S) -> W,
    ) -> Result<Found<S, V, E>, FlightError>
    where
        W: Future<Output = Result<V, E>> + Send + 'static,
    {
        self.join_keeping(key, recheck, new_state, work, |_, key| drop(key))
    }

    /// Like [`join_or`](Self::join_or), and gives the key of a flight that succeeded to `keep`, which may hold it for
    /// as long as callers are to join. A key that is held counts as a flight under way.
    ///
    /// `keep` is called after the callers have been answered. It is not called after a failure or a panic.
    pub fn join_keeping<W>(
        &self,
        key: &K,
        recheck: impl FnOnce() -> Option<V>,
        new_state: impl FnOnce() -> S,
        work: impl FnOnce(S) -> W,
        keep: impl FnOnce(V, FlightKey<K, S, V, E>) + Send + 'static,
    ) -> Result<Found<S, V, E>, FlightError>
    where
        W: Future<Output = Result<V, E>> + Send + 'static,
    {
        let mut under_way = self.under_way.lock();
        if let Some(in_flight) = under_way.get(key) {
            return Ok(Found::Flight(Flight::new(Arc::clone(in_flight), true)));
        }
        if let Some(value) = recheck() {
            return Ok(Found::Value(value));
        }
        if under_way.len() >= self.max {
            return Err(FlightError::Full { max: self.max });
        }
        let (sender, landing) = watch::channel(None);
        let state = new_state();
        let in_flight = Arc::new(InFlight {
            state: state.clone(),
            landing,
        });
        under_way.insert(key.clone(), Arc::clone(&in_flight));
        drop(under_way);
        // From here on a panic frees the key, too.
        let key = FlightKey {
            under_way: Arc::clone(&self.under_way),
            key: key.clone(),
        };
        let work = work(state);
        self.tasks.spawn(async move {
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(value)) => {
                    sender.send_replace(Some(Ok(value.clone())));
                    keep(value, key);
                }
                Ok(Err(error)) => {
                    drop(key);
                    sender.send_replace(Some(Err(error)));
                }
                Err(_panic) => {
                    tracing::error!(key = %key.key, "a flight panicked");
                    // As after a failure, a caller that tries again must not join this flight.
                    drop(key);
                    drop(sender);
                }
            }
        });
        Ok(Found::Flight(Flight::new(in_flight, false)))
    }
}

impl<K: Eq + Hash, S, V, E> Flights<K, S, V, E> {
    /// Number of keys that are taken.
    pub fn len(&self) -> usize {
        self.under_way.lock().len()
    }

    /// Whether no key is taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys that are taken, each with the number of callers that have not left its flight, in no order.
    pub fn snapshot(&self) -> Vec<(K, usize)>
    where
        K: Clone,
    {
        let under_way = self.under_way.lock();
        // One owner is the map.
        let callers = |in_flight: &Arc<_>| Arc::strong_count(in_flight) - 1;
        under_way
            .iter()
            .map(|(key, in_flight)| (key.clone(), callers(in_flight)))
            .collect()
    }
}

impl<K: Eq + Hash, S, V, E> fmt::Debug for Flights<K, S, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("len", &self.len())
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + fmt::Debug, S, V, E> fmt::Debug for FlightKey<K, S, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlightKey").field(&self.key).finish()
    }
}
