//! A database that forks or forgets is found out, also after a restart.

use stoa_testing::http::Response;
use stoa_testing::process::StoaProcess;
use stoa_testing::sum_database::SumMisbehavior;

use crate::support::{Stand, assert_error, get, is_there, lookup, metric};

/// The latest head, not from memory: that is fresh for some seconds.
async fn latest(stand: &Stand, stoa: &mut StoaProcess) -> Response {
    stoa.kill9();
    *stoa = stand.start();
    get(stoa, &stand.passed("/latest")).await
}

#[tokio::test]
async fn a_fork_is_refused_and_shouted_also_after_a_restart() {
    let stand = Stand::new();
    let (greet, later) = (
        stand.scene.greet(),
        stand.scene.example.module("example.com/greet", "v1.1.0"),
    );
    let mut stoa = stand.start();
    let first = get(&stoa, &stand.passed(&lookup(greet))).await;
    assert_eq!(first.status, 200);

    stand.database.fail(SumMisbehavior::Forked);
    for restarted in [false, true] {
        if restarted {
            stoa.kill9();
            stoa = stand.start();
        }
        let answer = get(&stoa, &stand.passed(&lookup(later))).await;
        assert_error(&answer, 502, &["security error", "exclude each other"]);
        assert_error(
            &get(&stoa, &later.url_path("zip")).await,
            502,
            &["security error", "exclude each other"],
        );
        assert!(!stand.is_stored(later, "zip"));
        let line = stoa.wait_for_log("SECURITY ERROR");
        assert!(line.contains("ERROR") && line.contains("fork"), "{line}");
        assert!(
            line.contains("older head") && line.contains("newer head"),
            "the proof is in the log: {line}"
        );
        assert!(metric(&stoa, "stoa_sumdb_alarms_total{kind=\"fork\"}").await >= 1);
        // What was verified before stands.
        let again = get(&stoa, &stand.passed(&lookup(greet))).await;
        assert_eq!(
            (again.status, &again.body),
            (200, &first.body),
            "{}",
            again.text()
        );
    }
    assert_error(
        &latest(&stand, &mut stoa).await,
        502,
        &["security error", "exclude each other"],
    );
    stand.database.recover();
    assert_eq!(get(&stoa, &stand.passed(&lookup(later))).await.status, 200);
}

#[tokio::test]
async fn a_rollback_is_refused_and_shouted_also_after_a_restart() {
    let stand = Stand::new();
    let mut stoa = stand.start();
    let newest = get(&stoa, &stand.passed("/latest")).await;
    assert_eq!(newest.status, 200);
    let stored = stand.scene.storage().join("sumdb/sum.example.com/latest");
    assert!(is_there(&stored));
    assert_eq!(std::fs::read(&stored).unwrap(), newest.body);

    stand
        .database
        .fail(SumMisbehavior::RolledBack(stand.database.size() - 3));
    assert_error(
        &latest(&stand, &mut stoa).await,
        502,
        &["security error", "went back"],
    );
    let line = stoa.wait_for_log("SECURITY ERROR");
    assert!(line.contains("rollback"), "{line}");
    assert_eq!(
        metric(&stoa, "stoa_sumdb_alarms_total{kind=\"rollback\"}").await,
        1
    );
    assert_eq!(
        std::fs::read(&stored).unwrap(),
        newest.body,
        "the newest head stays"
    );
    // An older head beside a record is no lie: answers may have been kept for a while on the way.
    assert_eq!(
        get(&stoa, &stand.passed(&lookup(stand.scene.greet())))
            .await
            .status,
        200
    );

    stand.database.recover();
    let recovered = latest(&stand, &mut stoa).await;
    assert_eq!((recovered.status, &recovered.body), (200, &newest.body));
}

#[tokio::test]
async fn the_latest_head_is_asked_for_once_in_a_while_and_stands_while_the_database_is_away() {
    let stand = Stand::new();
    let stoa = stand.start();
    let first = get(&stoa, &stand.passed("/latest")).await;
    let max_age = first
        .header("cache-control")
        .unwrap()
        .strip_prefix("public, max-age=")
        .unwrap();
    assert!(max_age.parse::<u64>().unwrap() <= 5, "{max_age}");
    for _ in 0..5 {
        assert_eq!(get(&stoa, &stand.passed("/latest")).await.body, first.body);
    }
    assert_eq!(stand.database.count("/latest"), 1);
    drop(stoa);
    stand.database.fail(SumMisbehavior::Fails);
    let stoa = stand.start();
    assert_eq!(get(&stoa, &stand.passed("/latest")).await.body, first.body);
}
