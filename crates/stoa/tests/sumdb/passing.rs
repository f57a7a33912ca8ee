//! Databases are passed on: names, paths, headers, mirrors.

use stoa_testing::http;
use stoa_testing::sum_database::SumDatabase;

use crate::support::{STOA, Stand, assert_error, get, lookup};
use stoa_testing::process::{StoaProcess, run};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

#[tokio::test]
async fn answers_are_the_databases_own_and_asked_for_once() {
    let stand = Stand::new();
    let stoa = stand.start();
    let greet = stand.scene.greet();
    let size = stand.database.size();
    for (path, kind) in [
        (lookup(greet), "text/plain; charset=UTF-8"),
        (
            lookup(stand.scene.example.module("example.com/Upper/Case", "v0.3.0")),
            "text/plain; charset=UTF-8",
        ),
        (format!("/tile/8/0/000.p/{size}"), "application/octet-stream"),
        (
            format!("/tile/8/0/000.p/{}", size - 2),
            "application/octet-stream",
        ),
        (format!("/tile/8/data/000.p/{size}"), "text/plain; charset=UTF-8"),
    ] {
        let want = http::get(&format!("{}{path}", stand.database.url()))
            .await
            .unwrap();
        let asked = stand.database.count(&path);
        for _ in 0..3 {
            let answer = get(&stoa, &stand.passed(&path)).await;
            assert_eq!(
                (answer.status, &answer.body),
                (200, &want.body),
                "{path}: {:?}",
                answer.body
            );
            assert_eq!(answer.header("content-type"), Some(kind), "{path}");
            assert_eq!(answer.header("cache-control"), Some(IMMUTABLE), "{path}");
        }
        assert!(stand.database.count(&path) <= asked + 1, "{path}");
        let head = http::head(&format!("{}{}", stoa.url(), stand.passed(&path)))
            .await
            .unwrap();
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(
            head.header("content-length"),
            Some(want.body.len().to_string().as_str())
        );
    }
    let line = stoa.wait_for_log("/lookup/example.com/greet@v1.0.0");
    assert!(
        line.contains("module=example.com/greet version=v1.0.0 result=miss"),
        "{line}"
    );
}

#[tokio::test]
async fn narrow_tiles_are_cut_from_wide_ones_that_were_seen() {
    let stand = Stand::new();
    for n in 0..300 {
        let (module, hash) = (
            format!("example.com/other/m{n}"),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        );
        let lines = format!("{module} v1.0.0 h1:{hash}\n{module} v1.0.0/go.mod h1:{hash}\n");
        stand.database.record(&module, "v1.0.0", &lines);
    }
    let stoa = stand.start();
    let full = get(&stoa, &stand.passed("/tile/8/0/000")).await;
    assert_eq!((full.status, full.body.len()), (200, 256 * 32));
    stand.database.kill();
    for width in [1, 7, 255] {
        let cut = get(&stoa, &stand.passed(&format!("/tile/8/0/000.p/{width}"))).await;
        assert_eq!(
            (cut.status, &cut.body[..]),
            (200, &full.body[..width * 32]),
            "{width}: {:?}",
            cut.body
        );
    }
}

#[tokio::test]
async fn paths_that_no_database_has_are_refused_as_the_databases_do() {
    let stand = Stand::new();
    let stoa = stand.start();
    for (path, status) in [
        ("/sumdb/sum.golang.org/supported", 404),
        ("/sumdb/sum.golang.org/lookup/example.com/a@v1.0.0", 404),
        ("/sumdb/sum.example.com", 404),
        ("/sumdb/sum.example.common/supported", 404),
        ("/sumdb/x/sum.example.com/supported", 404),
        ("/sumdb/sum.example.com/nothing", 404),
        ("/sumdb/sum.example.com/supported/x", 404),
        ("/sumdb/sum.example.com/lookup/example.com/greet", 400),
        ("/sumdb/sum.example.com/lookup/example.com/greet@latest", 400),
        ("/sumdb/sum.example.com/lookup/example.com/Upper@v1.0.0", 400),
        ("/sumdb/sum.example.com/lookup/example.com/a@v1.0.0@v2.0.0", 400),
        ("/sumdb/sum.example.com/lookup/../latest", 400),
        ("/sumdb/sum.example.com/lookup/..%2flatest", 400),
        ("/sumdb/sum.example.com/tile/8/0/000.p/0", 400),
        ("/sumdb/sum.example.com/tile/8/0/0", 400),
        ("/sumdb/sum.example.com/tile/31/0/000", 400),
        ("/sumdb/sum.example.com//latest", 400),
        ("/sumdb/sum.example.com/tile/8/0/x999/999", 404),
        ("/sumdb/sum.example.com/tile/4/0/000", 404),
    ] {
        let answer = get(&stoa, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8"),
            "{path}"
        );
    }
    assert!(stand.database.count_below("/lookup/") == 0 && stand.database.count_below("/tile/") == 0);
    for method in ["POST", "PUT", "DELETE"] {
        let url = format!("{}{}", stoa.url(), stand.passed("/latest"));
        let answer = http::request(method, &url, &[], b"").await.unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    }
}

#[tokio::test]
async fn names_with_slashes_and_several_databases_are_told_apart() {
    let long = SumDatabase::named("sum.example.com/team/db");
    let stand = Stand::new();
    let inner = stand.scene.example.module("example.com/greet", "v1.1.0");
    long.module(inner);
    let both = format!("{},{}", stand.database.gosumdb(), long.gosumdb());
    let stoa = stand
        .stoa()
        .env("STOA_SUMDB_DATABASES", &both)
        .env("STOA_PATH_PREFIX", "/go")
        .start();
    for start in ["/sumdb", "/go/sumdb"] {
        for (database, name) in [
            (&stand.database, "sum.example.com"),
            (&long, "sum.example.com/team/db"),
        ] {
            let supported = get(&stoa, &format!("{start}/{name}/supported")).await;
            assert_eq!((supported.status, supported.body.len()), (200, 0), "{name}");
            let path = lookup(inner);
            let want = http::get(&format!("{}{path}", database.url())).await.unwrap();
            let answer = get(&stoa, &format!("{start}/{name}{path}")).await;
            assert_eq!((answer.status, &answer.body), (200, &want.body), "{name}");
        }
    }
    // The first one verifies; each go command believes its own.
    let go = std::sync::Arc::new(stoa_testing::go::GoClient::new(stoa.url()).verify_with(&long.key()));
    let _ = go
        .run_async(&["mod", "download", "example.com/greet@v1.1.0"])
        .await
        .expect_success();
    let other = go
        .run_async(&["mod", "download", "example.com/greet@v1.0.0"])
        .await
        .expect_failure();
    assert!(other.stderr.contains("not found"), "{}", other.stderr);
}

#[tokio::test]
async fn a_path_that_looks_like_two_is_read_from_the_name_on() {
    let stand = Stand::new();
    let odd = stoa_testing::fixtures::ModuleFixture::new("example.com/lookup/tile/latest", "v1.0.0");
    stand.database.module(&odd);
    let stoa = stand.start();
    let answer = get(&stoa, &stand.passed(&lookup(&odd))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(&odd.h1()));
}

#[tokio::test]
async fn a_record_that_was_missing_is_asked_for_again_after_a_while() {
    let stand = Stand::new();
    let late = stoa_testing::fixtures::ModuleFixture::new("example.com/late", "v1.0.0");
    let path = stand.passed(&lookup(&late));
    let stoa = stand.stoa().env("STOA_CACHE_NEGATIVE_TTL", "1s").start();
    for _ in 0..5 {
        assert_eq!(get(&stoa, &path).await.status, 404);
    }
    assert_eq!(stand.database.count(&lookup(&late)), 1);
    stand.database.module(&late);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while get(&stoa, &path).await.status == 404 {
        assert!(std::time::Instant::now() < until, "it is remembered for ever");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(get(&stoa, &path).await.status, 200);
    assert_eq!(stand.database.count(&lookup(&late)), 2);
}

#[test]
fn a_database_without_a_key_is_a_fault_of_the_configuration() {
    let (code, output) = StoaProcess::command(STOA)
        .arg("--storage=memory:")
        .env("STOA_SUMDB_DATABASES", "sum.example.com")
        .env("STOA_SUMDB_UNAVAILABLE", "maybe")
        .start_expecting_exit();
    assert_eq!(code, Some(64), "{output}");
    assert!(
        output.contains("the key of \"sum.example.com\" is not known"),
        "{output}"
    );
    assert!(
        output.contains("sumdb.unavailable: bad policy \"maybe\": write refuse or allow"),
        "{output}"
    );
}

#[test]
fn the_configuration_has_lists_and_shows_no_password() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stoa.toml");
    let show = |toml: &str| {
        std::fs::write(&file, toml).unwrap();
        // The environment of tests has no databases; an empty file of its own says so to nobody.
        let shown = std::process::Command::new(STOA)
            .args([
                "config",
                "show",
                "--config",
                file.to_str().unwrap(),
                "--storage",
                "memory:",
            ])
            .env_clear()
            .output()
            .unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    let shown = show(
        "[sumdb]\ndatabases = [\"sum.golang.org https://bot:hunter2@mirror.example/sum\"]\nverify = false\n",
    );
    assert!(
        shown.contains("databases = [\"sum.golang.org https://[hidden]@mirror.example/sum\"]  # "),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown = show("");
    assert!(shown.contains("databases = [\"sum.golang.org\"]  # default\nverify = true  # default\nunavailable = \"refuse\"  # default"), "{shown}");
    assert!(show("[sumdb]\ndatabases = []\n").contains("databases = []  # "));
    let bad = run(
        STOA,
        &["config", "check", "--storage", "memory:"],
        &[("STOA_SUMDB_VERIFY", "maybe")],
    );
    assert_eq!(bad.code, Some(64), "{bad:?}");
}

#[tokio::test]
async fn without_databases_the_go_command_asks_them_itself() {
    let stand = Stand::new();
    let stoa = stand.stoa().env("STOA_SUMDB_DATABASES", "").start();
    assert_error(
        &get(&stoa, &stand.passed("/supported")).await,
        404,
        &["no such checksum database"],
    );
    assert_eq!(get(&stoa, &stand.scene.greet().url_path("zip")).await.status, 200);
    assert_eq!(stand.database.requests(), Vec::<String>::new());
}
