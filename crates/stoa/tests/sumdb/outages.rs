//! What cannot be verified is refused, unless it is allowed.

use std::time::{Duration, Instant};

use stoa_testing::sum_database::SumMisbehavior;

use crate::support::{Stand, assert_error, get, lookup, metric};

#[tokio::test]
async fn what_cannot_be_verified_is_refused_with_the_reason() {
    for (fault, status, reason) in [
        (None, 502, "Connection refused"),
        (Some(SumMisbehavior::Fails), 502, "500 Internal Server Error"),
        (
            Some(SumMisbehavior::Hangs),
            504,
            "did not send an answer within 300ms",
        ),
    ] {
        let stand = Stand::new();
        let greet = stand.scene.greet();
        match fault {
            Some(fault) => drop(stand.database.fail(fault)),
            None => stand.database.kill(),
        }
        let stoa = stand.stoa().env("STOA_FETCH_RESPONSE_TIMEOUT", "300ms").start();
        for suffix in ["mod", "zip"] {
            let answer = get(&stoa, &greet.url_path(suffix)).await;
            let words = [
                "cannot be verified",
                reason,
                "sumdb.unavailable = \"refuse\"",
                &stand.database.url(),
            ];
            assert_error(&answer, status, &words);
            assert!(!stand.is_stored(greet, suffix), "{fault:?}");
        }
        if fault == Some(SumMisbehavior::Fails) {
            let answer = get(&stoa, &greet.url_path("mod")).await;
            assert_error(&answer, 502, &["the database is out of order"]);
        }
        assert_error(
            &get(&stoa, &stand.passed(&lookup(greet))).await,
            status,
            &["does not answer"],
        );
        assert_error(
            &get(&stoa, &stand.passed("/latest")).await,
            status,
            &["does not answer"],
        );
        assert_eq!(get(&stoa, &stand.passed("/supported")).await.status, 200);
        assert!(metric(&stoa, "stoa_sumdb_verifications_total{result=\"refused\"}").await >= 2);

        stand.database.recover();
        if fault.is_none() {
            stand.database.restart_same_port();
        }
        assert_eq!(get(&stoa, &greet.url_path("zip")).await.status, 200, "{fault:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_verified_is_stored_where_that_is_allowed() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    stand.database.kill();
    let stoa = stand.stoa().env("STOA_SUMDB_UNAVAILABLE", "allow").start();
    for suffix in ["mod", "zip"] {
        assert_eq!(get(&stoa, &greet.url_path(suffix)).await.status, 200);
        assert!(stand.is_stored(greet, suffix));
    }
    stoa.wait_for_log("stored unverified");
    assert_eq!(
        metric(&stoa, "stoa_sumdb_verifications_total{result=\"allowed\"}").await,
        2
    );

    // A database that answers is believed all the same.
    stand.database.restart_same_port();
    let other = stand.scene.example.module("example.com/greet", "v1.1.0");
    stand.scene.upstream.file(&other.url_path("zip"), greet.zip());
    stand
        .scene
        .upstream
        .file(&other.url_path("mod"), "module example.com/other\n".to_owned());
    assert_error(
        &get(&stoa, &other.url_path("mod")).await,
        403,
        &["checksum mismatch"],
    );
    // So is one that lies: being caught is no way to pass.
    stand.database.fail(SumMisbehavior::ForeignRecords);
    let third = stand.scene.example.module("example.com/greet", "v1.0.1");
    assert_error(
        &get(&stoa, &third.url_path("mod")).await,
        502,
        &["security error"],
    );
}

#[tokio::test]
async fn a_dead_database_costs_stored_modules_nothing() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let stoa = stand.stoa().env("STOA_DISPATCH_CONCURRENCY", "64").start();
    for suffix in ["info", "mod", "zip"] {
        assert_eq!(get(&stoa, &greet.url_path(suffix)).await.status, 200);
    }
    stand.database.fail(SumMisbehavior::Hangs);
    // More of them hang than those of one module host are asked at once.
    let mut hanging = tokio::task::JoinSet::new();
    for n in 0..60 {
        let url = format!(
            "{}{}",
            stoa.url(),
            stand.passed(&format!("/lookup/example.com/m{n}@v1.0.0"))
        );
        hanging.spawn(async move { stoa_testing::http::get(&url).await.map(drop) });
    }
    let until = Instant::now() + Duration::from_secs(30);
    while stand.database.count_below("/lookup/example.com/m") < 24 {
        assert!(Instant::now() < until, "{:?}", stand.database.requests());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let kept = get(&stoa, &stand.passed(&lookup(greet))).await;
    assert_eq!(kept.status, 200, "{}", kept.text());
    let before = stand.database.requests().len();
    for suffix in ["info", "mod", "zip"] {
        assert_eq!(get(&stoa, &greet.url_path(suffix)).await.status, 200);
    }
    assert!(
        stand.database.requests()[before..]
            .iter()
            .all(|path| path.starts_with("/lookup/example.com/m")),
        "only those that hang, whenever their turn came: {:?}",
        stand.database.requests()
    );
    hanging.shutdown().await;
}
