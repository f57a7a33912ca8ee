//! What is not what the database recorded reaches neither the storage nor a client.

use std::fs;

use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::process::run;
use stoa_testing::reply::Reply;
use stoa_testing::sum_database::SumMisbehavior;

use crate::support::{STOA, Stand, assert_error, get, is_there, lookup, metric};

/// The same version with something else in it.
fn tampered(module: &ModuleFixture) -> ModuleFixture {
    ModuleFixture::new(module.path(), module.version())
        .with_go_mod(module.go_mod())
        .file(
            "greet.go",
            "package greet\n\nfunc Hello(string) string { return \"pwned\" }\n",
        )
}

#[tokio::test]
async fn a_tampered_zip_is_refused_with_both_hashes_and_kept_aside() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let other = tampered(greet);
    stand.scene.upstream.file(&greet.url_path("zip"), other.zip());
    let stoa = stand.start();

    let answer = get(&stoa, &greet.url_path("zip")).await;
    assert_error(
        &answer,
        403,
        &["security error", "checksum mismatch", &greet.h1(), &other.h1()],
    );
    assert!(!stand.is_stored(greet, "zip") && !stand.is_stored(greet, "ziphash"));
    let aside = fs::read(stand.rejected(greet, "zip")).unwrap();
    assert_eq!(aside, other.zip().to_bytes());
    assert_eq!(
        metric(&stoa, "stoa_sumdb_verifications_total{result=\"mismatch\"}").await,
        1
    );
    stoa.wait_for_log("a zip was refused");

    let go = stand.app(&stoa);
    let failed = go
        .run_async(&["mod", "download", "example.com/greet@v1.0.0"])
        .await;
    let failed = failed.expect_failure();
    assert!(failed.stderr.contains("checksum mismatch"), "{}", failed.stderr);
    assert!(
        !failed.stderr.contains("SECURITY ERROR"),
        "stoa refused it before: {}",
        failed.stderr
    );

    stand.scene.upstream.file(&greet.url_path("zip"), greet.zip());
    assert_eq!(
        get(&stoa, &greet.url_path("zip")).await.body,
        greet.zip().to_bytes()
    );
    assert!(stand.is_stored(greet, "zip"));
}

#[tokio::test]
async fn a_tampered_go_mod_is_refused() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let other = "module example.com/greet\n\nrequire example.com/evil v1.0.0\n";
    stand
        .scene
        .upstream
        .file(&greet.url_path("mod"), other.to_owned());
    let stoa = stand.start();
    let answer = get(&stoa, &greet.url_path("mod")).await;
    assert_error(
        &answer,
        403,
        &["checksum mismatch of the go.mod", &greet.go_mod_h1()],
    );
    assert!(!stand.is_stored(greet, "mod"));
    assert_eq!(fs::read_to_string(stand.rejected(greet, "mod")).unwrap(), other);
    // The zip is another file, and it is as it was recorded.
    assert_eq!(get(&stoa, &greet.url_path("zip")).await.status, 200);
}

#[tokio::test]
async fn who_asks_after_a_large_zip_was_cut_is_told_why_at_once() {
    let stand = Stand::new();
    let large =
        |seed| ModuleFixture::new("example.com/large", "v1.0.0").file("data", Content::random(8 << 20, seed));
    let (recorded, sent) = (large(1), large(2));
    stand.database.module(&recorded);
    stand.scene.upstream.module(&sent);
    let stoa = stand.stoa().env("STOA_CACHE_NEGATIVE_TTL", "60s").start();
    let path = sent.url_path("zip");

    let cut = get(&stoa, &path).await;
    assert_eq!(cut.status, 200);
    assert!(
        !cut.is_clean() && (cut.body.len() as u64) < sent.zip().len(),
        "{:?}",
        cut.end
    );
    let told = get(&stoa, &path).await;
    assert_error(&told, 403, &["checksum mismatch", &recorded.h1()]);
    assert_eq!(stand.scene.upstream.count(&path), 1);
    assert!(!stand.is_stored(&sent, "zip"));
    assert!(is_there(&stand.rejected(&sent, "zip")));
}

#[tokio::test]
async fn a_database_that_lies_is_not_believed_and_not_passed_on() {
    for (fault, alarm) in [
        (SumMisbehavior::TamperedTiles, "bad_tile"),
        (SumMisbehavior::TamperedRecords, "wrong_record"),
        (SumMisbehavior::ForeignRecords, "foreign_record"),
        (SumMisbehavior::EmptyLookups, "bad_answer"),
        (SumMisbehavior::EmptyRecords, "foreign_record"),
    ] {
        let stand = Stand::new();
        let greet = stand.scene.greet();
        stand.database.fail(fault);
        let stoa = stand.start();
        for suffix in ["mod", "zip"] {
            let answer = get(&stoa, &greet.url_path(suffix)).await;
            assert_error(
                &answer,
                502,
                &["security error", "sum.example.com is not believed"],
            );
            assert!(!stand.is_stored(greet, suffix), "{fault:?}");
        }
        let answer = get(&stoa, &stand.passed(&lookup(greet))).await;
        assert_error(&answer, 502, &["security error"]);
        let series = format!("stoa_sumdb_alarms_total{{kind=\"{alarm}\"}}");
        assert!(metric(&stoa, &series).await > 0, "{fault:?}");
        let line = stoa.wait_for_log("SECURITY ERROR");
        assert!(line.contains("ERROR") && line.contains(alarm), "{line}");
        assert!(
            !is_there(&stand.scene.storage().join("sumdb/sum.example.com/lookup")),
            "{fault:?}"
        );

        let go = stand.app(&stoa);
        let failed = go
            .run_async(&["mod", "download", "example.com/greet@v1.0.0"])
            .await;
        let failed = failed.expect_failure();
        assert!(
            failed.stderr.contains("security error"),
            "{fault:?}: {}",
            failed.stderr
        );

        stand.database.recover();
        assert_eq!(get(&stoa, &greet.url_path("zip")).await.status, 200, "{fault:?}");
        let _ = go
            .run_async(&["mod", "download", "example.com/greet@v1.0.0"])
            .await
            .expect_success();
    }
}

#[tokio::test]
async fn a_tampered_tile_is_not_passed_on() {
    let stand = Stand::new();
    let stoa = stand.start();
    let tile = format!("/tile/8/0/000.p/{}", stand.database.size());
    stand.database.fail(SumMisbehavior::TamperedTiles);
    assert_error(&get(&stoa, &stand.passed(&tile)).await, 502, &["security error"]);
    stand.database.recover();
    assert_eq!(get(&stoa, &stand.passed(&tile)).await.status, 200);
}

#[tokio::test]
async fn a_module_that_the_database_does_not_know_is_refused_with_what_to_do() {
    let stand = Stand::new();
    let unknown = ModuleFixture::new("example.com/unknown", "v1.0.0");
    stand.scene.upstream.module(&unknown);
    let stoa = stand.start();
    for suffix in ["mod", "zip"] {
        let answer = get(&stoa, &unknown.url_path(suffix)).await;
        assert_error(
            &answer,
            403,
            &[
                "sum.example.com does not know it",
                "add it to vcs.private",
                "not found",
            ],
        );
        assert!(!stand.is_stored(&unknown, suffix));
    }
    assert_eq!(
        get(&stoa, &unknown.url_path("info")).await.status,
        200,
        "nothing vouches for it"
    );
    // What is not there at all needs no checksum.
    assert_error(&get(&stoa, "/example.com/nobody/@v/v1.0.0.mod").await, 404, &[]);
    let looked_up = get(&stoa, &stand.passed(&lookup(&unknown))).await;
    assert_eq!(looked_up.status, 404);
    assert!(
        looked_up
            .text()
            .starts_with("not found: /lookup/example.com/unknown@v1.0.0"),
        "{}",
        looked_up.text()
    );
}

#[tokio::test]
async fn a_database_that_says_gone_is_passed_on_as_gone() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    let path = stand.database.path(&lookup(greet));
    stand
        .database
        .server()
        .on(&path, Reply::text(410, "gone: it was a mistake\n"));
    let stoa = stand.start();
    let answer = get(&stoa, &stand.passed(&lookup(greet))).await;
    assert_eq!((answer.status, answer.text()), (410, "gone: it was a mistake\n"));
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    stand
        .scene
        .upstream
        .file(&greet.url_path("zip"), tampered(greet).zip());
    let stoa = stand.stoa().env("STOA_SUMDB_VERIFY", "false").start();
    assert_eq!(get(&stoa, &greet.url_path("zip")).await.status, 200);
    assert_eq!(stand.database.requests(), Vec::<String>::new());
    // The databases are still passed on.
    assert_eq!(get(&stoa, &stand.passed(&lookup(greet))).await.status, 200);
}

#[test]
fn stoa_fetch_reports_the_refusal() {
    let stand = Stand::new();
    let greet = stand.scene.greet();
    stand
        .scene
        .upstream
        .file(&greet.url_path("zip"), tampered(greet).zip());
    let (storage, upstream) = (stand.scene.storage(), stand.scene.upstream.url());
    let arguments = [
        "fetch",
        "--storage",
        storage.to_str().unwrap(),
        "--upstream",
        &upstream,
    ];
    let modules = ["example.com/greet@v1.0.0", "example.com/greet@v1.1.0"];
    let database = stand.database.gosumdb();
    let fetched = run(
        STOA,
        &[&arguments[..], &modules].concat(),
        &[("STOA_SUMDB_DATABASES", &database)],
    );
    assert_eq!(fetched.code, Some(1), "{fetched:?}");
    let printed: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&fetched.stdout)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let error = printed[0]["Error"].as_str().unwrap();
    assert!(
        error.contains("checksum mismatch") && error.contains(&greet.h1()),
        "{error}"
    );
    assert_eq!(printed[1].get("Error"), None, "{}", printed[1]);
    assert!(!stand.is_stored(greet, "zip"));
}
