//! Joining, leaving, failing and ending of flights.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use parking_lot::Mutex;
use stoa_cache::{Cache, CacheOptions, Flight, FlightError, FlightKey, Flights, Found, Landed, LostError};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

type Numbers = Flights<String, Arc<AtomicUsize>, u32, String>;
type NumberFlight = Flight<Arc<AtomicUsize>, u32, String>;
type NumberKey = FlightKey<String, Arc<AtomicUsize>, u32, String>;

fn flights(max: usize) -> Arc<Numbers> {
    Arc::new(Flights::new(TaskTracker::new(), max))
}

/// Joins a flight whose work waits for `gate`, and counts what was started in its state.
fn join(flights: &Numbers, key: &str, gate: oneshot::Receiver<Result<u32, String>>) -> NumberFlight {
    let work = |started: Arc<AtomicUsize>| async move {
        started.fetch_add(1, Ordering::SeqCst);
        gate.await.expect("a result")
    };
    flights.join(&key.to_owned(), Arc::default, work).expect("room")
}

/// A caller that would start a flight, if there were none.
fn join_only(flights: &Numbers, key: &str) -> NumberFlight {
    let flight = flights.join(&key.to_owned(), Arc::default, |_| async { Ok(0) });
    let flight = flight.expect("room");
    assert!(flight.joined());
    flight
}

#[expect(clippy::unnecessary_wraps, reason = "what a caller gets is compared with it")]
fn landed(result: Result<u32, &str>, joined: bool) -> Result<Landed<u32, String>, LostError> {
    Ok(Landed {
        result: result.map_err(str::to_owned),
        joined,
    })
}

async fn until_free(flights: &Numbers) {
    while !flights.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn callers_join_the_flight_that_is_under_way_and_share_its_state() {
    let flights = flights(10);
    let (open, gate) = oneshot::channel();
    let first = join(&flights, "k", gate);
    let second = join_only(&flights, "k");
    assert!(!first.joined());
    assert!(Arc::ptr_eq(first.state(), second.state()));
    second.state().fetch_add(10, Ordering::SeqCst);
    assert_eq!(flights.snapshot(), [("k".to_owned(), 2)]);
    assert_eq!(flights.len(), 1);

    let state = Arc::clone(first.state());
    open.send(Ok(7)).expect("it waits");
    assert_eq!(second.wait().await, landed(Ok(7), true));
    assert_eq!(first.wait().await, landed(Ok(7), false));
    assert_eq!(
        state.load(Ordering::SeqCst),
        11,
        "the work ran once, with that state"
    );
    until_free(&flights).await;
    assert_eq!(Arc::strong_count(&state), 1, "a flight that ended keeps nothing");
}

#[tokio::test]
async fn keys_do_not_share_a_flight() {
    let flights = flights(10);
    let ((open_a, a), (open_b, b)) = (oneshot::channel(), oneshot::channel());
    let (a, b) = (join(&flights, "a", a), join(&flights, "b", b));
    open_b.send(Ok(2)).expect("it waits");
    assert_eq!(b.wait().await, landed(Ok(2), false));
    open_a.send(Ok(1)).expect("it waits");
    assert_eq!(a.wait().await, landed(Ok(1), false));
}

#[tokio::test]
async fn a_flight_goes_on_when_its_callers_leave() {
    let flights = flights(10);
    let (open, gate) = oneshot::channel();
    let first = join(&flights, "k", gate);
    let state = Arc::clone(first.state());
    let mut second = Box::pin(join_only(&flights, "k").wait());
    assert!(second.as_mut().now_or_never().is_none(), "it waits");
    assert_eq!(flights.snapshot(), [("k".to_owned(), 2)]);
    drop(first);
    assert_eq!(flights.snapshot(), [("k".to_owned(), 1)]);
    drop(second);
    assert_eq!(flights.snapshot(), [("k".to_owned(), 0)]);

    let late = join_only(&flights, "k");
    open.send(Ok(7)).expect("the work was not cancelled");
    assert_eq!(late.wait().await, landed(Ok(7), true));
    assert_eq!(state.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_panic_is_an_error_for_every_caller_and_frees_the_key() {
    let flights = flights(10);
    let gate = Arc::new(Notify::new());
    let work = |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            panic!("on purpose")
        }
    };
    let first = flights.join(&"k".to_owned(), Arc::default, work).expect("room");
    let second = join_only(&flights, "k");
    gate.notify_one();
    let error = second.wait().await.expect_err("it panicked");
    assert_eq!(error.to_string(), "the flight panicked, or its runtime ended");
    assert!(flights.is_empty(), "the key is free before callers are told");
    assert_eq!(first.wait().await, Err(LostError));

    let (open, gate) = oneshot::channel();
    let again = join(&flights, "k", gate);
    assert!(!again.joined());
    open.send(Ok(1)).expect("it waits");
    assert_eq!(again.wait().await, landed(Ok(1), false));
}

#[tokio::test]
async fn a_panic_while_a_flight_is_started_frees_the_key() {
    let flights = flights(10);
    let key = "k".to_owned();
    let start = || {
        let work = |_| -> std::future::Ready<Result<u32, String>> { panic!("on purpose") };
        flights.join(&key, Arc::default, work).map(drop)
    };
    std::panic::catch_unwind(AssertUnwindSafe(start)).expect_err("it panics");
    assert!(flights.is_empty());
    let new_state = || -> Arc<AtomicUsize> { panic!("on purpose") };
    let start = || flights.join(&key, new_state, |_| async { Ok(1) }).map(drop);
    std::panic::catch_unwind(AssertUnwindSafe(start)).expect_err("it panics");
    assert!(flights.is_empty());
}

#[tokio::test]
async fn after_a_success_callers_are_answered_before_the_key_is_free() {
    let flights = flights(10);
    let (open, gate) = oneshot::channel::<()>();
    let (seen, see) = oneshot::channel();
    let second_caller = Arc::new(Mutex::new(None::<NumberFlight>));
    let for_keep = Arc::clone(&second_caller);
    let work = |_| async move {
        gate.await.expect("it is opened");
        Ok(7)
    };
    let keep = move |value, key: NumberKey| {
        // The flight's task is here, with the key in hand: its caller must have its answer already.
        let caller = for_keep.lock().take().expect("a caller");
        let answered = caller.wait().now_or_never();
        assert!(seen.send((value, answered)).is_ok());
        drop(key);
    };
    let key = "k".to_owned();
    let found = flights.join_keeping(&key, || None, Arc::default, work, keep);
    let Ok(Found::Flight(first)) = found else {
        panic!("it was not started: {found:?}");
    };
    *second_caller.lock() = Some(join_only(&flights, "k"));
    open.send(()).expect("it waits");
    assert_eq!(first.wait().await, landed(Ok(7), false));
    assert_eq!(see.await, Ok((7, Some(landed(Ok(7), true)))));
}

/// Records how many keys are taken at the moment at which a caller is woken.
struct TakenAtWake {
    flights: Arc<Numbers>,
    taken: Mutex<Option<usize>>,
}

impl Wake for TakenAtWake {
    fn wake(self: Arc<Self>) {
        let taken = self.flights.len();
        self.taken.lock().get_or_insert(taken);
    }
}

async fn taken_when_woken(result: Option<Result<u32, String>>) -> Option<usize> {
    let flights = flights(10);
    let (open, gate) = oneshot::channel();
    let flight = join(&flights, "k", gate);
    let taken = Mutex::new(None);
    let caller = Arc::new(TakenAtWake { flights, taken });
    let mut waiting = Box::pin(flight.wait());
    let waker = Waker::from(Arc::clone(&caller));
    assert!(
        waiting
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    match result {
        Some(result) => open.send(result).expect("it waits"),
        None => drop(open),
    }
    until_free(&caller.flights).await;
    drop(waiting);
    caller.taken.lock().take()
}

#[tokio::test]
async fn callers_are_woken_before_the_key_is_free_only_after_a_success() {
    assert_eq!(taken_when_woken(Some(Ok(7))).await, Some(1), "success");
    let failure = Some(Err("no".to_owned()));
    assert_eq!(taken_when_woken(failure).await, Some(0), "failure");
    assert_eq!(taken_when_woken(None).await, Some(0), "panic");
}

#[tokio::test]
async fn a_caller_that_tries_again_after_a_failure_starts_anew() {
    let flights = flights(10);
    for _ in 0..3 {
        let (open, gate) = oneshot::channel();
        let flight = join(&flights, "k", gate);
        assert!(!flight.joined());
        open.send(Err("no".to_owned())).expect("it waits");
        assert_eq!(flight.wait().await, landed(Err("no"), false));
    }
}

#[tokio::test]
async fn a_kept_key_lets_callers_join_and_counts() {
    let flights = flights(1);
    let (give, given) = oneshot::channel();
    let keep = move |value, key: NumberKey| assert!(give.send((value, key)).is_ok());
    let key = "k".to_owned();
    let found = flights.join_keeping(&key, || None, Arc::default, |_| async { Ok(7) }, keep);
    let Ok(Found::Flight(first)) = found else {
        panic!("it was not started: {found:?}");
    };
    assert_eq!(first.wait().await, landed(Ok(7), false));
    let (value, held) = given.await.expect("the key");
    assert_eq!(value, 7);

    assert_eq!(join_only(&flights, "k").wait().await, landed(Ok(7), true));
    let other = flights.join(&"other".to_owned(), Arc::default, |_| async { Ok(0) });
    assert_eq!(other.expect_err("full"), FlightError::Full { max: 1 });
    drop(held);
    assert!(flights.is_empty());
}

#[tokio::test]
async fn failures_are_not_kept() {
    let flights = flights(1);
    let kept = Arc::new(AtomicBool::new(false));
    let keep = {
        let kept = Arc::clone(&kept);
        move |_, _: NumberKey| kept.store(true, Ordering::SeqCst)
    };
    let work = |_| async { Err("no".to_owned()) };
    let found = flights.join_keeping(&"k".to_owned(), || None, Arc::default, work, keep);
    let Ok(Found::Flight(flight)) = found else {
        panic!("it was not started: {found:?}");
    };
    assert_eq!(flight.wait().await, landed(Err("no"), false));
    assert!(!kept.load(Ordering::SeqCst) && flights.is_empty());
}

#[tokio::test]
async fn flights_are_bounded_and_joining_is_not() {
    let flights = flights(2);
    let (opens, gates): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
    let mut gates = gates.into_iter();
    let mut gate = || gates.next().expect("a gate");
    let a = join(&flights, "a", gate());
    let b = join(&flights, "b", gate());
    let built = AtomicBool::new(false);
    let work = |_| {
        built.store(true, Ordering::SeqCst);
        async { Ok(0) }
    };
    let error = flights
        .join(&"c".to_owned(), Arc::default, work)
        .expect_err("full");
    assert_eq!(error, FlightError::Full { max: 2 });
    assert_eq!(
        error.to_string(),
        "2 flights are under way, and no more are allowed"
    );
    assert!(!built.load(Ordering::SeqCst), "nothing was started");
    assert_eq!(flights.len(), 2);

    let joined = join_only(&flights, "a");
    for open in opens.into_iter().take(2) {
        open.send(Ok(1)).expect("it waits");
    }
    assert_eq!(a.wait().await, landed(Ok(1), false));
    assert_eq!(b.wait().await, landed(Ok(1), false));
    assert_eq!(joined.wait().await, landed(Ok(1), true));
    until_free(&flights).await;
    let (open, gate) = oneshot::channel();
    let c = join(&flights, "c", gate);
    open.send(Ok(3)).expect("it waits");
    assert_eq!(c.wait().await, landed(Ok(3), false));
}

#[tokio::test]
async fn no_room_at_all_starts_nothing_and_still_answers_what_is_known() {
    let flights = flights(0);
    let key = "k".to_owned();
    let found = flights.join_or(&key, || Some(7), Arc::default, |_| async { Ok(0) });
    assert!(matches!(found, Ok(Found::Value(7))), "{found:?}");
    let found = flights.join_or(&key, || None, Arc::default, |_| async { Ok(0) });
    assert!(matches!(found, Err(FlightError::Full { max: 0 })), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_at_once_are_one_flight() {
    const CALLERS: usize = 1000;
    let flights = flights(1);
    let tasks = TaskTracker::new();
    let started = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (flights, started, gate) = (Arc::clone(&flights), Arc::clone(&started), Arc::clone(&gate));
            tasks.spawn(async move {
                let work = |_| async move {
                    started.fetch_add(1, Ordering::SeqCst);
                    let _permit = gate.acquire().await.expect("it is open");
                    Ok(7)
                };
                let flight = flights.join(&"k".to_owned(), Arc::default, work);
                flight.expect("room").wait().await
            })
        })
        .collect();
    while flights
        .snapshot()
        .first()
        .is_none_or(|(_, callers)| *callers < CALLERS)
    {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    let results = join_all(callers).await;
    let joined = results
        .into_iter()
        .map(|result| result.expect("a task").expect("a flight"))
        .inspect(|landed| assert_eq!(landed.result, Ok(7)))
        .filter(|landed| landed.joined)
        .count();
    assert_eq!(joined, CALLERS - 1);
    assert_eq!(started.load(Ordering::SeqCst), 1);
    until_free(&flights).await;
}

/// A caller misses the value in memory; then a flight brings it and ends; then the caller comes to the flights.
#[test]
fn a_caller_that_just_missed_a_flight_finds_what_it_brought() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .build()
        .expect("a runtime");
    let cache = Arc::new(Cache::<String, u32>::new(CacheOptions::new(1 << 20)));
    let (flights, works) = (flights(10), Arc::new(AtomicUsize::new(0)));
    let (missed, ended) = (Barrier::new(2), Barrier::new(2));
    let fetch = || {
        let (cache, works) = (Arc::clone(&cache), Arc::clone(&works));
        move |_| async move {
            works.fetch_add(1, Ordering::SeqCst);
            cache.put("k".to_owned(), 7);
            Ok(7)
        }
    };
    let key = "k".to_owned();
    let look = || cache.get(&key).map(|found| found.value);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            let _guard = runtime.enter();
            assert_eq!(look(), None);
            missed.wait();
            ended.wait();
            flights.join_or(&key, look, Arc::default, fetch())
        });
        missed.wait();
        let early = {
            let _guard = runtime.enter();
            flights.join_or(&key, look, Arc::default, fetch())
        };
        let Ok(Found::Flight(early)) = early else {
            panic!("it was not started: {early:?}");
        };
        assert_eq!(runtime.block_on(early.wait()), landed(Ok(7), false));
        runtime.block_on(until_free(&flights));
        ended.wait();
        let late = late.join().expect("a caller");
        assert!(matches!(late, Ok(Found::Value(7))), "{late:?}");
    });
    assert_eq!(works.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_flight_that_is_under_way_is_joined_without_a_second_look() {
    let flights = flights(10);
    let (open, gate) = oneshot::channel();
    let first = join(&flights, "k", gate);
    let found = flights.join_or(
        &"k".to_owned(),
        || panic!("it must not look"),
        Arc::default,
        |_| async { Ok(0) },
    );
    let Ok(Found::Flight(second)) = found else {
        panic!("it was not joined: {found:?}");
    };
    open.send(Ok(7)).expect("it waits");
    assert_eq!(second.wait().await, landed(Ok(7), true));
    assert_eq!(first.wait().await, landed(Ok(7), false));
}

#[tokio::test]
async fn the_tracker_waits_for_flights_and_they_outlive_their_owner() {
    let tasks = TaskTracker::new();
    let flights: Numbers = Flights::new(tasks.clone(), 10);
    let (open, gate) = oneshot::channel();
    let flight = join(&flights, "k", gate);
    drop(flights);
    tasks.close();
    let mut ended = Box::pin(tasks.wait());
    assert!(ended.as_mut().now_or_never().is_none(), "a flight is under way");
    open.send(Ok(7)).expect("it waits");
    assert_eq!(flight.wait().await, landed(Ok(7), false));
    ended.await;

    // Nobody else holds this tracker.
    let flights: Numbers = Flights::new(TaskTracker::new(), 10);
    let (open, gate) = oneshot::channel();
    let flight = join(&flights, "k", gate);
    drop(flights);
    open.send(Ok(8)).expect("it waits");
    assert_eq!(flight.wait().await, landed(Ok(8), false));
}

#[test]
fn callers_are_told_when_the_runtime_of_a_flight_ends() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .build()
        .expect("a runtime");
    let flights = flights(10);
    let (_open, gate) = oneshot::channel();
    let flight = {
        let _guard = runtime.enter();
        join(&flights, "k", gate)
    };
    runtime.shutdown_timeout(Duration::from_secs(10));
    let other = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    assert_eq!(other.block_on(flight.wait()), Err(LostError));
    assert!(flights.is_empty());
}
