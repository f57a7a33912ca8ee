//! What is not sent: expired, built to nothing, refused by a filter. And what that costs: no token, no attempt.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use stoa_dispatch::{Discard, DispatchError, Filter, FilterFn, LaneSettings, Request, Task};
use tokio::time::{Instant, sleep};

use crate::{
    lab::{Lab, bounds, get, lane_key, lazy, ms, request, secs, settle, small},
    origin::Answer,
};

fn five_a_second() -> LaneSettings {
    LaneSettings {
        rate: Some("5/s".parse().expect("rate")),
        ..bounds(10, 100)
    }
}

/// A task that counts how often it is built.
fn counted(builds: &Arc<AtomicUsize>) -> Task {
    let builds = Arc::clone(builds);
    Task::lazy(lane_key(), move || async move {
        builds.fetch_add(1, Ordering::Relaxed);
        Ok(Some(request("/built")))
    })
}

/// B4.
#[tokio::test(start_paused = true)]
async fn a_live_task_behind_five_expired_ones_starts_at_once() {
    let lab = Lab::new(five_a_second(), |_| Answer::ok());
    assert_eq!(lab.outcome(get("/spends-the-burst")).await, Ok(200));
    for _ in 0..5 {
        let expired = get("/expired").perishable(Instant::now() - ms(1));
        lab.pool.send(expired, Discard).await.expect("taken");
    }
    lab.pool.send(get("/live"), Discard).await.expect("taken");
    lab.is_clean().await;
    assert_eq!(lab.origin.paths(), ["/spends-the-burst", "/live"]);
    let live = lab.origin.arrivals(lab.began)[1];
    assert!((150..=200).contains(&live), "one token at 5/s: {live}");
    for task in 2..=6 {
        assert_eq!(lab.log.story(task), ["queue", "start", "finish expired"]);
    }
}

/// B5, for the arrivals that one lane lets through.
#[tokio::test(start_paused = true)]
async fn a_rate_spreads_what_comes_all_at_once() {
    let settings = LaneSettings {
        rate: Some("10/s".parse().expect("rate")),
        wait: secs(120),
        ..bounds(10, 1000)
    };
    let lab = Lab::new(settings, |_| Answer::ok());
    for _ in 0..600 {
        lab.pool.send(get("/"), Discard).await.expect("taken");
    }
    lab.is_clean().await;
    let arrivals = lab.origin.arrivals(lab.began);
    for pair in arrivals.windows(2) {
        assert!((90..=105).contains(&(pair[1] - pair[0])), "{pair:?}");
    }
    let last = arrivals[599];
    assert!((59_300..=60_500).contains(&last), "600 in a minute: {last}");
}

#[tokio::test(start_paused = true)]
async fn at_its_expiry_a_task_is_fresh_and_after_it_is_not_even_built() {
    let lab = Lab::new(small(), |_| Answer::ok());
    let builds = Arc::new(AtomicUsize::new(0));
    let now = Instant::now();
    assert_eq!(lab.outcome(counted(&builds).perishable(now)).await, Ok(200));
    assert_eq!(
        lab.outcome(counted(&builds).perishable(now + ms(1))).await,
        Ok(200)
    );
    sleep(ms(2)).await;
    let expired = lab.pool.call(counted(&builds).perishable(now + ms(1))).await;
    let error = expired.expect_err("expired");
    assert!(matches!(error, DispatchError::Expired { .. }) && error.is_refusal());
    let both = counted(&builds).perishable(now + ms(1)).perishable(now + secs(9));
    assert_eq!(lab.outcome(both).await, Err("expired"), "the sooner counts");
    assert_eq!((builds.load(Ordering::Relaxed), lab.origin.attempts()), (2, 2));
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_expires_while_it_waits_is_not_sent_wherever_it_waits() {
    let lab = Lab::new(bounds(1, 10), |_| Answer::ok().after(secs(2)));
    let builds = Arc::new(AtomicUsize::new(0));
    lab.pool.send(get("/first"), Discard).await.expect("taken");
    let waits_for_permit = counted(&builds).perishable(Instant::now() + secs(1));
    assert_eq!(lab.outcome(waits_for_permit).await, Err("expired"));
    assert_eq!(builds.load(Ordering::Relaxed), 0);

    let lab = Lab::new(five_a_second(), |_| Answer::ok());
    assert_eq!(lab.outcome(get("/spends-the-burst")).await, Ok(200));
    let waits_for_token = counted(&builds).perishable(Instant::now() + ms(100));
    assert_eq!(lab.outcome(waits_for_token).await, Err("expired"));
    assert_eq!((builds.load(Ordering::Relaxed), lab.origin.attempts()), (1, 1));
    let before = Instant::now();
    assert_eq!(lab.outcome(get("/next")).await, Ok(200));
    assert_eq!(
        before.elapsed(),
        secs(0),
        "the token that it did not spend is there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lazy_task_is_built_when_its_permit_has_come_and_not_before() {
    let lab = Lab::new(bounds(1, 10), |_| Answer::ok().after(secs(1)));
    let builds = Arc::new(AtomicUsize::new(0));
    lab.pool.send(get("/"), Discard).await.expect("taken");
    lab.pool.send(counted(&builds), Discard).await.expect("taken");
    sleep(ms(999)).await;
    settle().await;
    assert_eq!(builds.load(Ordering::Relaxed), 0);
    sleep(ms(1)).await;
    settle().await;
    assert_eq!(builds.load(Ordering::Relaxed), 1);
    lab.is_clean().await;
}

/// An error and no request are different ends, and neither has a consumer.
#[tokio::test(start_paused = true)]
async fn a_task_without_a_request_fails_and_its_consumer_is_not_called() {
    let lab = Lab::new(small(), |_| Answer::ok());
    let nothing = || Task::lazy(lane_key(), || async { Ok(None) });
    let broken = || Task::lazy(lane_key(), || async { Err("no paper".into()) });
    for task in [nothing(), broken()] {
        let consumer = |_, _| async { panic!("called without a response") };
        lab.pool.send(task, consumer).await.expect("taken");
    }
    lab.is_clean().await;
    assert!(matches!(lab.log.error(1), DispatchError::NoRequest { .. }));
    let error = lab.log.error(2);
    assert!(matches!(&error, DispatchError::Build { .. }), "{error:?}");
    assert!(error.to_string().contains("no paper"), "{error}");
    assert_eq!(lab.log.story(2), ["queue", "start", "finish build"]);
    assert_eq!(lab.origin.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn filters_are_asked_in_their_order_and_the_first_refusal_counts() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let filter = |name: &'static str, refuses: &'static str| -> Arc<dyn Filter> {
        let asked = Arc::clone(&asked);
        Arc::new(FilterFn::new(name, move |request: &Request| {
            asked.lock().push(name);
            if request.uri().path() == refuses {
                Err(format!("not {refuses}"))
            } else {
                Ok(())
            }
        }))
    };
    let (first, second) = (filter("first", "/a"), filter("second", "/b"));
    let lab = Lab::with(
        five_a_second(),
        |_| Answer::ok(),
        |builder| builder.filter(first).filter(second),
    );
    let own = |path| {
        lazy(path)
            .filtered(filter("own", "/c"))
            .filtered(filter("last", "/"))
    };
    for (path, refused_by, calls) in [("/a", "first", 1), ("/b", "second", 2), ("/c", "own", 3)] {
        asked.lock().clear();
        let error = lab.pool.call(own(path)).await.expect_err("refused");
        assert_eq!(
            error.to_string(),
            format!("origin.test: refused by {refused_by}: not {path}")
        );
        assert!(matches!(&error, DispatchError::Filtered { filter, .. } if filter == refused_by));
        assert_eq!(*asked.lock(), ["first", "second", "own"][..calls]);
    }
    assert_eq!(
        (lab.origin.attempts(), lab.began.elapsed()),
        (0, secs(0)),
        "no token is spent"
    );
    asked.lock().clear();
    assert_eq!(lab.outcome(own("/fine")).await, Ok(200));
    assert_eq!(*asked.lock(), ["first", "second", "own", "last"]);
    lab.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_is_not_asked_about_what_could_not_be_built() {
    let lab = Lab::new(small(), |_| Answer::ok());
    let asked = Arc::new(AtomicUsize::new(0));
    let filter: Arc<dyn Filter> = Arc::new(FilterFn::new("counts", {
        let asked = Arc::clone(&asked);
        move |_: &Request| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }));
    let nothing = Task::lazy(lane_key(), || async { Ok(None) });
    let broken = Task::lazy(lane_key(), || async { Err("broken".into()) });
    for task in [nothing, broken] {
        assert_eq!(
            lab.outcome(task.filtered(Arc::clone(&filter))).await,
            Err("build")
        );
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

/// A request that cannot get its token in time is refused at once; the first in line counts as one that is before it.
#[tokio::test(start_paused = true)]
async fn a_rate_that_lets_somebody_go_too_late_refuses_at_once() {
    let settings = LaneSettings {
        rate: Some("1/s".parse().expect("rate")),
        ..bounds(10, 100)
    };
    let lab = Lab::new(settings, |_| Answer::ok());
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    lab.pool
        .send(get("/first-in-line"), Discard)
        .await
        .expect("taken");
    settle().await;
    let error = lab
        .pool
        .call(get("/").within(ms(1500)))
        .await
        .expect_err("too late");
    assert!(
        matches!(error, DispatchError::Rate { throttled: false, .. }),
        "{error:?}"
    );
    let after = error.retry_after().expect("a time");
    assert!(after > ms(1900) && after <= secs(2), "{after:?}");
    assert_eq!(lab.began.elapsed(), secs(0), "at once");
    lab.is_clean().await;
}
