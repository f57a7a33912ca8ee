//! One question at a time, and its answer for a while.

use std::{fmt, sync::Arc, time::Duration};

use stoa_cache::{Cache, CacheOptions, Flights, Found, LostError};
use stoa_dispatch::{Class, Quota, Urgency};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::error::DiscoveryError;
use crate::{Context, FetchError, SourceName};

/// How many questions may be under way at a time; three quarters of them for the modules of one share.
const MAX_FLIGHTS: usize = 1024;

/// Callers with the same question share one flight, and good answers are kept for a while. Failures are not kept: a
/// caller that asks again after one has probably just repaired it, and layers above remember what is not there.
///
/// A flight is a task that goes on when callers leave. Its urgency is that of its callers: it is background work until an
/// interactive caller waits for it, also in the lanes that it waits in.
pub(super) struct SharedAnswers<V> {
    kept: Arc<Cache<String, V>>,
    flights: Flights<String, Urgency, V, DiscoveryError>,
    parts: Quota,
    ttl: Duration,
}

impl<V: Clone + Send + Sync + 'static> SharedAnswers<V> {
    /// Keeps answers for `ttl`, and not more than `capacity` bytes of them. Flights run on `tasks`.
    pub(super) fn new(
        ttl: Duration,
        capacity: usize,
        heap_size: fn(&String, &V) -> usize,
        tasks: TaskTracker,
    ) -> Self {
        let options = CacheOptions::new(capacity as u64).max_age(ttl);
        Self {
            kept: Arc::new(Cache::weighed_by(options, heap_size)),
            flights: Flights::new(tasks, MAX_FLIGHTS),
            parts: Quota::new(MAX_FLIGHTS),
            ttl,
        }
    }

    /// The answer to `key`: kept, or that of a flight under way, or that of `work`, which gets the context of the flight.
    pub(super) async fn get<W>(
        &self,
        key: &str,
        context: &Context,
        work: impl FnOnce(Context) -> W,
    ) -> Result<V, DiscoveryError>
    where
        W: Future<Output = Result<V, DiscoveryError>> + Send + 'static,
    {
        let look = || self.kept.fresh(key, self.ttl);
        if let Some(kept) = look() {
            return Ok(kept);
        }
        let (key, mut interest) = (key.to_owned(), None);
        // Raised before the flight starts, or it could queue as background work at first.
        let new_urgency = || {
            let urgency = Urgency::shared();
            interest = (context.urgency.class() == Class::Interactive).then(|| urgency.raise());
            urgency
        };
        let start = |urgency| {
            let (kept, key) = (Arc::clone(&self.kept), key.clone());
            let part = self.parts.try_take(&context.share);
            let work = work(context.shared(urgency));
            async move {
                let _part =
                    part.ok_or_else(|| overloaded(&key, "too many questions about its host already"))?;
                let answer = work.await?;
                kept.put(key, answer.clone());
                Ok(answer)
            }
            .in_current_span()
        };
        let found = self.flights.join_or(&key, look, new_urgency, start);
        let flight = match found.map_err(|error| overloaded(&key, &error.to_string()))? {
            Found::Value(kept) => return Ok(kept),
            Found::Flight(flight) => flight,
        };
        if flight.joined() {
            tracing::debug!(key, "joined a question under way");
        }
        let urgency = flight.state().clone();
        let wait = async {
            // By now the loan below keeps the urgency raised, and follows the caller's.
            drop(interest);
            flight.wait().await
        };
        let landed = context.urgency.lend(&urgency, wait).await;
        let lost = |LostError| DiscoveryError::malformed("looking for the repository panicked");
        landed.map_err(lost)?.result
    }
}

fn overloaded(key: &str, reason: &str) -> DiscoveryError {
    DiscoveryError::Unreachable {
        reason: format!("asking for {key}"),
        cause: FetchError::Overloaded {
            source_name: SourceName::new("discovery"),
            reason: reason.to_owned(),
            retry_after: None,
        },
    }
}

impl<V: Clone> fmt::Debug for SharedAnswers<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedAnswers")
            .field("ttl", &self.ttl)
            .field("kept", &self.kept)
            .field("flights", &self.flights)
            .field("parts", &self.parts)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use stoa_cache::Weigh as _;
    use tokio::sync::oneshot;

    use super::*;
    use crate::Caller;

    const TTL: Duration = Duration::from_secs(10);

    fn memory(ttl: Duration, capacity: usize) -> SharedAnswers<String> {
        SharedAnswers::new(
            ttl,
            capacity,
            |key, text| key.len() + text.heap_size(),
            TaskTracker::new(),
        )
    }

    fn interactive() -> Context {
        Context::interactive(Caller::Anonymous)
    }

    fn answers(
        count: &Arc<AtomicUsize>,
        answer: &str,
    ) -> impl FnOnce(Context) -> futures_util::future::BoxFuture<'static, Result<String, DiscoveryError>> + use<>
    {
        let (count, answer) = (Arc::clone(count), answer.to_owned());
        move |_| {
            Box::pin(async move {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(answer)
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_at_one_time_share_an_answer_that_is_kept_for_a_while() {
        let (memory, count, context) = (memory(TTL, 10_000), Arc::default(), interactive());
        let ask = || memory.get("k", &context, answers(&count, "7"));
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert_eq!([a.expect("a"), b.expect("b"), c.expect("c")], ["7", "7", "7"]);
        ask().await.expect("kept");
        assert_eq!(count.load(Ordering::SeqCst), 1);
        tokio::time::advance(TTL).await;
        ask().await.expect("asked again");
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert!(memory.flights.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_goes_away_stops_nobody_else() {
        let (memory, count, context) = (memory(TTL, 10_000), Arc::default(), interactive());
        let first = memory.get("k", &context, answers(&count, "7"));
        let impatient = tokio::time::timeout(Duration::from_millis(100), first);
        let (gone, stayed) = tokio::join!(impatient, memory.get("k", &context, answers(&count, "8")));
        gone.expect_err("it gave up");
        assert_eq!(stayed.expect("an answer"), "7");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_and_panics_are_told_to_all_and_not_kept() {
        let (memory, context) = (memory(TTL, 10_000), interactive());
        let fails = |_| async { Err(DiscoveryError::not_exist("no")) };
        memory.get("k", &context, fails).await.expect_err("it fails");
        let panics = |_| async { panic!("on purpose") };
        let error = memory.get("k", &context, panics).await.expect_err("it panics");
        assert!(error.to_string().contains("panicked"), "{error}");
        let works = |_| async { Ok("1".to_owned()) };
        assert_eq!(memory.get("k", &context, works).await.expect("it works"), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        let (memory, context) = (memory(TTL, 4000), interactive());
        for i in 0..100 {
            let answer = |_| async { Ok("x".repeat(500)) };
            memory
                .get(&format!("key {i}"), &context, answer)
                .await
                .expect("ok");
            assert!(memory.kept.weight() <= 4000);
        }
        let heavy = |_| async { Ok("x".repeat(5000)) };
        memory.get("heavy", &context, heavy).await.expect("ok");
        assert!(memory.kept.get("heavy").is_none() && !memory.kept.is_empty());
    }

    #[tokio::test]
    async fn a_flight_is_as_urgent_as_the_most_urgent_of_those_who_wait() {
        let memory = memory(TTL, 10_000);
        let (told, telling) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let work = |context: Context| async move {
            assert_eq!((&context.caller, context.deadline), (&Caller::Stoa, None));
            let _taken = told.send(context.urgency);
            let _ended = ended.await;
            Ok("1".to_owned())
        };
        let (background, caller) = (Context::background(), interactive());
        let mut slow = Box::pin(memory.get("k", &background, work));
        assert!(futures_util::poll!(&mut slow).is_pending());
        let urgency = telling.await.expect("the flight has started");
        assert_eq!(urgency.class(), Class::Background);
        let joins = || memory.get("k", &caller, |_| async { panic!("a second flight") });
        {
            let mut quick = Box::pin(joins());
            assert!(futures_util::poll!(&mut quick).is_pending());
            assert_eq!(urgency.class(), Class::Interactive);
        }
        assert_eq!(urgency.class(), Class::Background, "the interactive caller left");
        let mut quick = Box::pin(joins());
        assert!(futures_util::poll!(&mut quick).is_pending());
        end.send(()).expect("it waits");
        assert_eq!(quick.await.expect("an answer"), "1");
        assert_eq!(slow.await.expect("an answer"), "1");
    }
}
