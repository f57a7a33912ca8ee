//! Work that is shared by everybody who wants it while it is under way.

use std::{collections::HashMap, fmt, hash::Hash, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Flights by key: the first who asks starts one, and who asks meanwhile joins it.
///
/// A flight is a task of the owner's, so that no caller's departure, not even the first one's, cancels it. A panic ends
/// it without a result for everybody who waits, and frees the key.
#[derive(Debug)]
pub(crate) struct Flights<K: Eq + Hash, V, E> {
    under_way: Arc<UnderWay<K, V, E>>,
    tasks: TaskTracker,
}

type UnderWay<K, V, E> = Mutex<HashMap<K, Waiting<V, E>>>;
type Waiting<V, E> = watch::Receiver<Option<Result<V, E>>>;

/// The key of a flight; whoever holds it keeps others joining. Dropping it frees the key.
pub(crate) struct FlightKey<K: Eq + Hash, V, E> {
    under_way: Arc<UnderWay<K, V, E>>,
    key: K,
}

/// What a flight brought.
#[derive(Debug)]
pub(crate) struct Landed<V, E> {
    pub(crate) result: Result<V, E>,
    /// It was under way already.
    pub(crate) joined: bool,
}

/// The flight panicked, or its runtime ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost;

impl<K: Eq + Hash, V, E> Drop for FlightKey<K, V, E> {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.key);
    }
}

impl<K, V, E> Flights<K, V, E>
where
    K: Clone + fmt::Display + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Flights run on `tasks`, whose owner waits for them at shutdown.
    pub(crate) fn new(tasks: TaskTracker) -> Self {
        Self {
            under_way: Arc::default(),
            tasks,
        }
    }

    /// Joins the flight of `key`, or starts it with `work`, and waits for it. When it has landed well, its key is given
    /// to `keep`, which may hold it for as long as others are to join.
    pub(crate) async fn fly<W>(
        &self,
        key: &K,
        work: impl FnOnce() -> W + Send,
        keep: impl FnOnce(V, FlightKey<K, V, E>) + Send + 'static,
    ) -> Result<Landed<V, E>, Lost>
    where
        W: Future<Output = Result<V, E>> + Send + 'static,
    {
        let (mut flight, joined) = self.join(key, work, keep);
        let result = flight.wait_for(Option::is_some).await.ok();
        let result = result.and_then(|result| result.clone()).ok_or(Lost)?;
        Ok(Landed { result, joined })
    }

    fn join<W>(
        &self,
        key: &K,
        work: impl FnOnce() -> W,
        keep: impl FnOnce(V, FlightKey<K, V, E>) + Send + 'static,
    ) -> (Waiting<V, E>, bool)
    where
        W: Future<Output = Result<V, E>> + Send + 'static,
    {
        let mut under_way = self.under_way.lock();
        if let Some(flight) = under_way.get(key) {
            return (flight.clone(), true);
        }
        let (sender, flight) = watch::channel(None);
        under_way.insert(key.clone(), flight.clone());
        drop(under_way);
        let key = FlightKey {
            under_way: Arc::clone(&self.under_way),
            key: key.clone(),
        };
        let work = work();
        self.tasks.spawn(async move {
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(value)) => {
                    // Who waits is answered before the key is freed: nobody can start a second flight in between and
                    // still miss what this one has brought.
                    sender.send_replace(Some(Ok(value.clone())));
                    keep(value, key);
                }
                Ok(Err(error)) => {
                    // The other way round: who asks again after a failure means it.
                    drop(key);
                    sender.send_replace(Some(Err(error)));
                }
                Err(_panic) => tracing::error!(key = %key.key, "a fetch panicked"),
            }
        });
        (flight, false)
    }
}
