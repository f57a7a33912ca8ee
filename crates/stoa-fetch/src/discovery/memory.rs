//! One question at a time, and its answer for a while.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::error::DiscoveryError;

/// What an answer costs to keep, in bytes.
pub(super) trait Weigh {
    fn weight(&self) -> usize;
}

type Flight<V> = BoxFuture<'static, Result<V, DiscoveryError>>;

/// Joins callers with the same question, and keeps good answers for a while. Failures are not kept: whoever asks again
/// after one has probably just repaired it, and layers above remember what is not there.
///
/// A question goes on as long as one of its callers waits. It runs inside of them, so that there is no task to own: if
/// the one who began goes away, another goes on from there.
pub(super) struct Memory<V> {
    shared: Arc<State<V>>,
    ttl: Duration,
    /// In bytes.
    capacity: usize,
}

struct State<V> {
    kept: Mutex<Kept<V>>,
    flights: Mutex<Flights<V>>,
}

struct Flights<V> {
    /// As many as there are callers, at most.
    by_key: HashMap<String, (u64, WeakShared<Flight<V>>)>,
    next_id: u64,
}

/// All answers live equally long, so the oldest is the next to expire.
struct Kept<V> {
    by_key: HashMap<String, (Instant, V)>,
    oldest_first: VecDeque<(String, Instant)>,
    /// In bytes.
    weight: usize,
}

enum Joined<V> {
    /// Under way, or just begun.
    Flight(Shared<Flight<V>>),
    /// It has ended since it was looked for.
    Landed(V),
}

/// Frees the key of a flight, however it ends.
struct Release<V> {
    state: Arc<State<V>>,
    key: String,
    id: u64,
}

impl<V> Drop for Release<V> {
    fn drop(&mut self) {
        let flights = &mut self.state.flights.lock().by_key;
        if flights.get(&self.key).is_some_and(|(id, _)| *id == self.id) {
            flights.remove(&self.key);
        }
    }
}

impl<V: Clone + Weigh + Send + Sync + 'static> Memory<V> {
    /// Keeps answers for `ttl`, and not more than `capacity` bytes of them.
    pub(super) fn new(ttl: Duration, capacity: usize) -> Self {
        let kept = Kept {
            by_key: HashMap::new(),
            oldest_first: VecDeque::new(),
            weight: 0,
        };
        let flights = Flights {
            by_key: HashMap::new(),
            next_id: 0,
        };
        Self {
            shared: Arc::new(State {
                kept: Mutex::new(kept),
                flights: Mutex::new(flights),
            }),
            ttl,
            capacity,
        }
    }

    /// The answer to `key`: kept, or that of a flight under way, or that of `work`.
    pub(super) async fn get(
        &self,
        key: &str,
        work: impl Future<Output = Result<V, DiscoveryError>> + Send + 'static,
    ) -> Result<V, DiscoveryError> {
        if let Some(kept) = self.shared.kept.lock().get(key, self.ttl) {
            return Ok(kept);
        }
        match self.join(key, work) {
            Joined::Flight(flight) => flight.await,
            Joined::Landed(answer) => Ok(answer),
        }
    }

    fn join(
        &self,
        key: &str,
        work: impl Future<Output = Result<V, DiscoveryError>> + Send + 'static,
    ) -> Joined<V> {
        let mut flights = self.shared.flights.lock();
        let under_way = flights.by_key.get(key).and_then(|(_, flight)| flight.upgrade());
        if let Some(flight) = under_way {
            return Joined::Flight(flight);
        }
        if let Some(kept) = self.shared.kept.lock().get(key, self.ttl) {
            return Joined::Landed(kept);
        }
        flights.next_id += 1;
        let id = flights.next_id;
        let owned = Release {
            state: Arc::clone(&self.shared),
            key: key.to_owned(),
            id,
        };
        let (ttl, capacity) = (self.ttl, self.capacity);
        let flight = async move {
            let result = AssertUnwindSafe(work).catch_unwind().await;
            let result = result.unwrap_or_else(|_panic| {
                Err(DiscoveryError::malformed("looking for the repository panicked"))
            });
            if let Ok(answer) = &result {
                // Who comes from now on finds it kept, so the key may be freed.
                let mut kept = owned.state.kept.lock();
                kept.keep(&owned.key, answer.clone(), ttl, capacity);
            }
            drop(owned);
            result
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            flights.by_key.insert(key.to_owned(), (id, weak));
        }
        Joined::Flight(flight)
    }
}

impl<V: Clone + Weigh> Kept<V> {
    fn get(&self, key: &str, ttl: Duration) -> Option<V> {
        let (since, answer) = self.by_key.get(key)?;
        (since.elapsed() < ttl).then(|| answer.clone())
    }

    fn keep(&mut self, key: &str, answer: V, ttl: Duration, capacity: usize) {
        let weight = weight(key, &answer);
        if ttl.is_zero() || weight > capacity {
            return;
        }
        let now = Instant::now();
        self.weight += weight;
        self.oldest_first.push_back((key.to_owned(), now));
        if let Some((_, replaced)) = self.by_key.insert(key.to_owned(), (now, answer)) {
            self.weight -= self::weight(key, &replaced);
        }
        while let Some((key, since)) = self.oldest_first.front() {
            if self.weight <= capacity && since.elapsed() < ttl {
                break;
            }
            // An entry that was replaced has gone already.
            if self.by_key.get(key).is_some_and(|(kept, _)| kept == since)
                && let Some((_, answer)) = self.by_key.remove(key)
            {
                self.weight -= self::weight(key, &answer);
            }
            self.oldest_first.pop_front();
        }
    }
}

/// The key is there twice, and each map needs some room for it.
fn weight(key: &str, answer: &impl Weigh) -> usize {
    2 * key.len() + answer.weight() + 128
}

impl<V> fmt::Debug for Memory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("ttl", &self.ttl)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    impl Weigh for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    const TTL: Duration = Duration::from_secs(10);

    fn answers(
        count: &Arc<AtomicUsize>,
        answer: usize,
    ) -> impl Future<Output = Result<usize, DiscoveryError>> + use<> {
        let count = Arc::clone(count);
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(answer)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_at_one_time_share_an_answer_that_is_kept_for_a_while() {
        let (memory, count) = (Memory::new(TTL, 1000), Arc::new(AtomicUsize::new(0)));
        let ask = || memory.get("k", answers(&count, 7));
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert_eq!([a.expect("a"), b.expect("b"), c.expect("c")], [7; 3]);
        ask().await.expect("kept");
        assert_eq!(count.load(Ordering::SeqCst), 1);
        let late = memory.join("k", answers(&count, 8));
        assert!(
            matches!(late, Joined::Landed(7)),
            "whoever just missed a flight takes what it brought"
        );
        tokio::time::advance(TTL).await;
        ask().await.expect("asked again");
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert!(memory.shared.flights.lock().by_key.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_goes_away_stops_nobody_else() {
        let (memory, count) = (Memory::new(TTL, 1000), Arc::new(AtomicUsize::new(0)));
        let first = memory.get("k", answers(&count, 7));
        let impatient = tokio::time::timeout(Duration::from_millis(100), first);
        let (gone, stayed) = tokio::join!(impatient, memory.get("k", answers(&count, 8)));
        gone.expect_err("it gave up");
        assert_eq!(stayed.expect("an answer"), 7);
        assert_eq!(count.load(Ordering::SeqCst), 1);

        let alone = memory.get("l", answers(&count, 7));
        tokio::time::timeout(Duration::from_millis(100), alone)
            .await
            .expect_err("it gave up");
        assert!(
            memory.shared.flights.lock().by_key.is_empty(),
            "nobody waits any more"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn failures_and_panics_are_told_to_all_and_not_kept() {
        let memory = Memory::<usize>::new(TTL, 1000);
        let fails = || async { Err(DiscoveryError::not_exist("no")) };
        memory.get("k", fails()).await.expect_err("it fails");
        let panics = async { panic!("on purpose") };
        let error = memory.get("k", panics).await.expect_err("it panics");
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(memory.get("k", async { Ok(1) }).await.expect("it works"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        let memory = Memory::new(TTL, 1000);
        for i in 0..100 {
            memory
                .get(&format!("key {i}"), async { Ok(100) })
                .await
                .expect("ok");
            let kept = memory.shared.kept.lock();
            assert!(kept.weight <= 1000 && kept.by_key.len() <= 4 && kept.oldest_first.len() <= 4);
        }
        assert!(memory.shared.kept.lock().get("key 99", TTL).is_some());
        memory.get("heavy", async { Ok(2000) }).await.expect("ok");
        let kept = memory.shared.kept.lock();
        assert!(kept.get("heavy", TTL).is_none() && kept.get("key 99", TTL).is_some());
    }
}
