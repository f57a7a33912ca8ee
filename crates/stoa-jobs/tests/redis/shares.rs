//! Turns when the count of turns begins anew.

use stoa_jobs::{Rules, Store as _};

use crate::{
    jobs::{LONG, claim, job, key},
    server::{Server, prefix},
};

/// The tide at which a kind begins anew.
const LATEST_TIDE: u64 = 1 << 52;

#[tokio::test]
async fn turns_are_fair_when_their_count_begins_anew() {
    let server = Server::start();
    let prefix = prefix();
    let store = server.open(Rules::default(), &prefix).await;
    for name in ["x", "y", "late"] {
        store.submit(vec![job(name); 40]).await.expect("submits");
    }
    // As after some billions of starts. One aggregation is stored with how far it came, but is not open.
    let tag = format!("{{{prefix}}}");
    let far = LATEST_TIDE + 10;
    server
        .ask::<i64>(redis::cmd("HSET").arg(format!("{tag}:tides")).arg("url").arg(far))
        .await;
    for name in ["x", "y", "late"] {
        let mut pass = redis::cmd("HSET");
        pass.arg(format!("{tag}:aggregation:url+{name}"))
            .arg("pass")
            .arg(far);
        server.ask::<i64>(&pass).await;
        let mut open = redis::cmd("ZADD");
        open.arg(format!("{tag}:open:url"))
            .arg(far)
            .arg(format!("url+{name}"));
        server.ask::<i64>(&open).await;
    }
    let shown = store
        .aggregation(&key("late"))
        .await
        .expect("looks")
        .expect("it is there");
    let mut paused = shown.settings.clone();
    paused.paused = true;
    store
        .set_aggregation(&key("late"), Some(paused))
        .await
        .expect("sets");
    let running = claim(&store, 20, LONG).await.expect("claims");
    let of =
        |name: &str, jobs: &[stoa_jobs::Job]| jobs.iter().filter(|job| job.aggregation == key(name)).count();
    assert_eq!((of("x", &running), of("y", &running)), (10, 10));
    let tide: u64 = server
        .ask(redis::cmd("HGET").arg(format!("{tag}:tides")).arg("url"))
        .await;
    assert!(tide < 100 << 20, "it has begun anew, and is {tide}");
    store
        .set_aggregation(&key("late"), Some(shown.settings))
        .await
        .expect("sets");
    let running = claim(&store, 30, LONG).await.expect("claims");
    for name in ["x", "y", "late"] {
        let turns = of(name, &running);
        assert!(
            (9..=11).contains(&turns),
            "a third of the turns for {name}, not {turns} of 30"
        );
    }
    store.close().await;
}
