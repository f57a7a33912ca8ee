//! Programs are built with every module verified; then without the database and the upstream; then offline.

use stoa_testing::fixtures::ExampleWorkspace;
use stoa_testing::go::GoClient;

use crate::support::{Stand, get, metric};

/// From a go.mod without requirements to the running program.
fn build(go: &GoClient) -> String {
    let _ = go.run(&["mod", "tidy"]).expect_success();
    let _ = go.run(&["mod", "download", "all"]).expect_success();
    let ran = go.run(&["run", "."]).expect_success();
    assert_eq!(ran.stdout, ExampleWorkspace::OUTPUT);
    go.read("go.sum")
}

#[tokio::test]
async fn everything_is_verified_and_what_was_seen_once_needs_nobody() {
    let stand = Stand::new();
    let mut stoa = stand.start();
    let want = build(&stand.app(&stoa));
    let asked = stand.database.count_below("/lookup/");
    assert!(asked > 5, "{:?}", stand.database.requests());
    assert_eq!(stand.database.count("/supported"), 0, "stoa answers that itself");
    assert!(metric(&stoa, "stoa_sumdb_verifications_total{result=\"verified\"}").await > 10);

    // Another client costs no lookup and no tile.
    let before = stand.database.requests().len();
    assert_eq!(build(&stand.app(&stoa)), want);
    assert_eq!(
        stand.database.requests().len(),
        before,
        "{:?}",
        stand.database.requests()
    );

    stand.database.kill();
    assert_eq!(build(&stand.app(&stoa)), want, "the database is away");
    let latest = get(&stoa, &stand.passed("/latest")).await;
    assert_eq!(latest.status, 200, "{}", latest.text());
    stoa.kill9();

    let mut stoa = stand.start();
    assert_eq!(
        build(&stand.app(&stoa)),
        want,
        "the database is away, and stoa is new"
    );
    stoa.kill9();

    stand.scene.upstream.kill();
    let stoa = stand.stoa().args(&["--network", "offline"]).start();
    assert_eq!(build(&stand.app(&stoa)), want, "offline");
    for path in ["/supported", "/latest"] {
        let answer = get(&stoa, &stand.passed(path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_log_that_grew_between_two_lookups_still_serves_both_without_the_database() {
    let stand = Stand::new();
    let modules = &stand.scene.example.modules;
    let stoa = stand.start();
    let paths: Vec<_> = modules
        .iter()
        .map(|m| stand.passed(&crate::support::lookup(m)))
        .collect();
    let mut seen = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        seen.push(get(&stoa, path).await.body);
        // More than a tile, so that partial tiles become full ones.
        for n in 0..100 {
            let (module, hash) = (
                format!("example.com/other{i}/m{n}"),
                "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            );
            let lines = format!("{module} v1.0.0 h1:{hash}\n{module} v1.0.0/go.mod h1:{hash}\n");
            stand.database.record(&module, "v1.0.0", &lines);
        }
    }
    stand.database.kill();
    for (path, seen) in paths.iter().zip(&seen) {
        let again = get(&stoa, path).await;
        assert_eq!(
            (again.status, &again.body),
            (200, seen),
            "{path}: {}",
            again.text()
        );
    }
    // A client that verifies all of them reads the tiles that it needs, too.
    let app = stand.app(&stoa);
    assert_eq!(build(&app).lines().count(), app.read("go.sum").lines().count());
}
