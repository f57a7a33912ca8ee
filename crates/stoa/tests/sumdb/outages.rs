//! What cannot be verified is refused, unless it is allowed.

use std::time::{Duration, Instant};

use stoa_testing::reply::Reply;
use stoa_testing::sum_database::SumMisbehavior;

use crate::support::{Stand, assert_error, get, lookup, metric};

#[tokio::test]
async fn what_cannot_be_verified_is_refused_with_the_reason() {
    for (fault, status, reason) in [
        (None, 503, "Connection refused"),
        (Some(SumMisbehavior::Fails), 503, "500 Internal Server Error"),
        (
            Some(SumMisbehavior::Hangs),
            503,
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
            assert_error(&answer, 503, &["the database is out of order"]);
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

#[tokio::test]
async fn a_database_that_needs_a_moment_gets_it() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let path = lookup(greet);
    let replies = [
        Reply::text(500, "took too long to be integrated"),
        Reply::Reset,
        Reply::Truncate {
            announce: 900,
            send: "1\n".into(),
        },
        Reply::text(
            404,
            "not found: example.com/greet@v1.0.0: record is not yet integrated",
        ),
    ];
    let tried = replies.len();
    stand
        .database
        .server()
        .script(&stand.database.path(&path), replies);
    let stoa = stand.stoa().start();
    let answer = get(&stoa, &greet.url_path("zip")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // One of them at least was asked for again by the lane already.
    let asked = stand.database.count(&path);
    assert_eq!(asked, tried + 1, "{:?}", stand.database.requests());
    assert!(stand.is_stored(greet, "zip"));
}

#[tokio::test]
async fn what_a_database_does_not_say_in_time_is_for_the_client_to_ask_again() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let known = stand.scene.example.module("example.com/greet", "v1.0.1");
    let stoa = stand.stoa().start();
    assert_eq!(get(&stoa, &stand.passed(&lookup(known))).await.status, 200);
    let path = stand.database.path(&lookup(greet));
    for (reply, words) in [
        (
            Reply::text(500, "took too long to be integrated"),
            &["does not answer", "500 Internal Server Error"][..],
        ),
        (
            Reply::text(404, "record not yet integrated"),
            &["has not integrated this yet", "record not yet integrated"],
        ),
    ] {
        stand.database.server().on(&path, reply);
        for (path, last) in [
            (greet.url_path("zip"), "sumdb.unavailable"),
            (stand.passed(&lookup(greet)), ""),
        ] {
            let asked = stand.database.count(&lookup(greet));
            let answer = get(&stoa, &path).await;
            assert_error(&answer, 503, words);
            assert!(answer.header("retry-after").is_some(), "{path}");
            assert!(
                words[0] != "does not answer" || answer.text().contains(last),
                "{}",
                answer.text()
            );
            assert_eq!(stand.database.count(&lookup(greet)) - asked, 6, "{path}");
        }
        // Meanwhile what is known is known.
        assert_eq!(get(&stoa, &stand.passed(&lookup(known))).await.status, 200);
        assert_eq!(get(&stoa, &known.url_path("zip")).await.status, 200);
    }
    stand.database.server().recover(&path);
    assert_eq!(get(&stoa, &greet.url_path("zip")).await.status, 200);
}
