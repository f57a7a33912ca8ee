use std::time::Duration;

use super::*;

/// A pause that is as long as the server asked for.
fn throttle(bucket: &Bucket, until: Instant) {
    bucket.throttle(until, until);
}

fn rate(text: &str) -> Rate {
    text.parse().expect("rate")
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

async fn take(bucket: &Bucket) -> Instant {
    bucket
        .token(far(), &Urgency::default())
        .await
        .expect("token")
        .take();
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn tokens_come_one_by_one_after_the_burst() {
    let bucket = Bucket::new(Some(rate("10/s")), 3);
    let began = Instant::now();
    let mut at = Vec::new();
    for _ in 0..6 {
        at.push(take(&bucket).await.duration_since(began).as_millis());
    }
    assert_eq!(at, [0, 0, 0, 100, 200, 300]);
}

#[tokio::test(start_paused = true)]
async fn what_a_late_timer_loses_is_made_up_for() {
    let bucket = Bucket::new(Some(rate("10/s")), 1);
    let began = take(&bucket).await;
    tokio::time::sleep(Duration::from_millis(104)).await;
    take(&bucket).await;
    assert_eq!(take(&bucket).await.duration_since(began).as_millis(), 200);
    tokio::time::sleep(Duration::from_millis(150)).await;
    take(&bucket).await;
    assert_eq!(
        take(&bucket).await.duration_since(began).as_millis(),
        445,
        "a pause is no lateness: the interval holds, but for the slack"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_run_keeps_the_rate() {
    let bucket = Bucket::new(Some(rate("200/s")), 1);
    let began = Instant::now();
    for _ in 0..1000 {
        take(&bucket).await;
    }
    let took = began.elapsed().as_secs_f64();
    assert!((4.97..5.03).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_spends_nothing() {
    let bucket = Bucket::new(Some(rate("1/s")), 1);
    take(&bucket).await;
    let began = Instant::now();
    for _ in 0..5 {
        let given_up = tokio::time::timeout(
            Duration::from_millis(10),
            bucket.token(far(), &Urgency::default()),
        )
        .await;
        assert!(given_up.is_err());
    }
    drop(bucket.token(far(), &Urgency::default()).await.expect("token"));
    drop(bucket.token(far(), &Urgency::default()).await.expect("token"));
    take(&bucket).await;
    assert!(
        began.elapsed() <= Duration::from_millis(1000),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_take_too_long_is_refused_at_once() {
    let bucket = Bucket::new(Some(rate("1/s")), 1);
    take(&bucket).await;
    let began = Instant::now();
    let refused = bucket
        .token(began + Duration::from_millis(500), &Urgency::default())
        .await
        .expect_err("too long");
    assert!(!refused.throttled && refused.free_at > began + Duration::from_millis(900));
    throttle(&bucket, began + Duration::from_secs(60));
    let refused = bucket
        .token(began + Duration::from_secs(5), &Urgency::default())
        .await
        .expect_err("throttled");
    assert_eq!(
        refused,
        TokenWaitError {
            free_at: began + Duration::from_secs(60),
            throttled: true
        }
    );
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_reaches_what_waits() {
    let bucket = Bucket::new(Some(rate("1/h")), 1);
    take(&bucket).await;
    let began = Instant::now();
    let waiter = async { take(&bucket).await.duration_since(began) };
    let change = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        bucket.set_rate(Some(rate("10/s")), 1);
    };
    let (waited, ()) = tokio::join!(waiter, change);
    assert!(
        waited >= Duration::from_secs(2) && waited <= Duration::from_millis(2101),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_by_itself_or_by_an_operator_and_leaves_the_lane_free() {
    let bucket = Bucket::new(None, 1);
    let began = Instant::now();
    throttle(&bucket, began + Duration::from_secs(5));
    throttle(&bucket, began + Duration::from_secs(2));
    assert_eq!(take(&bucket).await.duration_since(began), Duration::from_secs(5));
    assert!(bucket.free.load(Ordering::Relaxed));
    throttle(&bucket, Instant::now() + Duration::from_secs(5));
    bucket.end_throttle();
    assert_eq!(take(&bucket).await.duration_since(began), Duration::from_secs(5));
}

/// Takes tokens for these, which arrive in this order, while `meanwhile` runs; the order in which they got them.
async fn order(bucket: &Bucket, urgencies: &[&Urgency], meanwhile: impl Future<Output = ()>) -> Vec<usize> {
    let order = Mutex::new(Vec::new());
    let waiting = urgencies.iter().enumerate().map(|(index, urgency)| {
        let order = &order;
        async move {
            bucket.token(far(), urgency).await.expect("token").take();
            order.lock().push(index);
        }
    });
    tokio::join!(futures_util::future::join_all(waiting), meanwhile);
    order.into_inner()
}

const PAUSE: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn tokens_go_by_class_and_then_by_arrival() {
    let (one, other) = (
        Urgency::fixed(Class::Interactive),
        Urgency::fixed(Class::Background),
    );
    let bucket = Bucket::new(Some(rate("10/s")), 1);
    take(&bucket).await;
    let began = Instant::now();
    let waiting = [&other, &one, &other, &one];
    assert_eq!(order(&bucket, &waiting, async {}).await, [1, 3, 0, 2]);
    assert_eq!(began.elapsed(), Duration::from_millis(400), "and no sooner");
}

#[tokio::test(start_paused = true)]
async fn a_raised_request_moves_up_and_one_that_falls_back_moves_down() {
    let (one, other) = (
        Urgency::fixed(Class::Interactive),
        Urgency::fixed(Class::Background),
    );
    let (raised, fallen) = (Urgency::shared(), Urgency::shared());
    let interest = fallen.raise();
    let bucket = Bucket::new(Some(rate("10/s")), 1);
    take(&bucket).await;
    let waiting = [&other, &raised, &fallen, &one, &other];
    let meanwhile = async {
        tokio::time::sleep(PAUSE).await;
        let _interest = raised.raise();
        drop(interest);
        tokio::time::sleep(PAUSE * 30).await;
    };
    assert_eq!(order(&bucket, &waiting, meanwhile).await, [1, 3, 0, 2, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_first_in_line_that_gives_up_or_is_overtaken_leaves_the_time_to_the_next() {
    let other = Urgency::fixed(Class::Background);
    let bucket = Bucket::new(Some(rate("10/s")), 1);
    take(&bucket).await;
    let began = Instant::now();
    let gives_up = tokio::time::timeout(PAUSE * 5, bucket.token(far(), &other));
    let one = [&other];
    let stays = order(&bucket, &one, async {});
    let overtakes = async {
        tokio::time::sleep(PAUSE * 2).await;
        take(&bucket).await.duration_since(began)
    };
    let (gave_up, _, overtook) = tokio::join!(gives_up, stays, overtakes);
    assert!(gave_up.is_err());
    assert_eq!(overtook, PAUSE * 10);
    assert_eq!(began.elapsed(), PAUSE * 20);
}

#[tokio::test(start_paused = true)]
async fn what_waits_out_a_pause_goes_by_class_too() {
    let (one, other) = (
        Urgency::fixed(Class::Interactive),
        Urgency::fixed(Class::Background),
    );
    let bucket = Bucket::new(None, 1);
    throttle(&bucket, Instant::now() + PAUSE);
    assert_eq!(order(&bucket, &[&other, &other, &one], async {}).await, [2, 0, 1]);
    assert!(bucket.state.lock().line.is_empty() && !bucket.state.lock().granted);
}

#[tokio::test(start_paused = true)]
async fn the_server_is_not_blamed_for_our_own_rate() {
    let bucket = Bucket::new(Some(rate("1/s")), 1);
    take(&bucket).await;
    let latest = Instant::now();
    // The wait is over before it was looked for a token.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let refused = bucket
        .token(latest, &Urgency::default())
        .await
        .expect_err("too late");
    assert!(!refused.throttled);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_was_cut_short_ends_with_one_request_at_a_time() {
    let bucket = Arc::new(Bucket::new(None, 1));
    let began = Instant::now();
    bucket.throttle(began + PAUSE, began + PAUSE * 10);
    let urgency = Urgency::default();
    let latest = began + PAUSE;
    let first = bucket.token(latest, &urgency).await.expect("the one that tries");
    assert_eq!(began.elapsed(), PAUSE);
    first.take();
    let refused = bucket.token(latest, &urgency).await.expect_err("all others wait");
    assert_eq!((refused.throttled, refused.free_at), (true, began + PAUSE * 2));
    // It got no answer that says anything: after as long again, there is another.
    let second = bucket
        .token(began + PAUSE * 3, &urgency)
        .await
        .expect("another one");
    assert_eq!(began.elapsed(), PAUSE * 2);
    second.take();
    bucket.relent();
    assert!(bucket.free_token().is_some() && bucket.throttled_until().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_before_a_pause_does_not_end_it() {
    let bucket = Bucket::new(None, 1);
    let began = Instant::now();
    bucket.throttle(began + PAUSE, began + PAUSE * 10);
    bucket.relent();
    assert_eq!(bucket.throttled_until(), Some(began + PAUSE));
    // When the time that the server asked for is over, nobody tries for the others any more.
    tokio::time::sleep(PAUSE * 10).await;
    let urgency = Urgency::default();
    let now = Instant::now();
    bucket.token(now, &urgency).await.expect("the first").take();
    bucket.token(now, &urgency).await.expect("the second").take();
    assert!(bucket.free_token().is_some());
}
