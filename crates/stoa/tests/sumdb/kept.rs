//! What is kept for ever is looked at first: `.info`, which no database records, and `.mod` that nothing verifies.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

use crate::support::{STOA, Stand, assert_error, get, is_there};

const PSEUDO: &str = "v0.0.0-20240102030405-0123456789ab";

/// A module whose path is private in [`Stand::private`].
pub(crate) fn secret() -> ModuleFixture {
    ModuleFixture::new("corp.example/tools", "v1.0.0").file("tools.go", "package tools\n")
}

pub(crate) fn start_private(stand: &Stand) -> StoaProcess {
    let config = stand.private("corp.example/*");
    stand.stoa().arg("--config").arg(&config).start()
}

/// An answer whose body ends with the connection.
fn until_closed(body: &[u8]) -> Reply {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n";
    Reply::Raw([&head[..], body].concat().into())
}

#[tokio::test]
async fn a_bad_info_is_refused_and_the_next_good_one_is_kept() {
    let stand = Stand::new();
    let stoa = stand.start();
    let greet = stand.scene.greet();
    let pseudo = ModuleFixture::new("example.com/pseudo", PSEUDO);
    stand.scene.upstream.module(&pseudo);
    let path = greet.url_path("info");
    for (bad, reason) in [
        (
            r#"{"Version":"v1.0.0","version":"v9.9.9"}"#,
            "info for version v9.9.9",
        ),
        (
            r#"{"Version":"v1.0.0","Verſion":"v9.9.9"}"#,
            "info for version v9.9.9",
        ),
        (
            r#"{"Version":"v1.0.0","Time":"yesterday"}"#,
            "its Time is not of RFC 3339",
        ),
        (r#"{"Version":"v1.0.0","Time":7}"#, "Time is not a string"),
        (r#"{"Version":"v1.0.0","Origin":"x"}"#, "Origin is not an object"),
        (
            r#"{"Version":"v1.0.0","Origin":{"Hash":1}}"#,
            "Origin.Hash is not a string",
        ),
        (r#"{"Version":"v1.0.0"}{}"#, "not the JSON of a version"),
        (r#"{"Version":null}"#, "it has no Version"),
        ("<html><title>Sign in</title></html>", "not the JSON of a version"),
        ("", "not the JSON of a version"),
    ] {
        stand.scene.upstream.script(&path, [Reply::ok(bad)]);
        let answer = get(&stoa, &path).await;
        assert_error(&answer, 502, &["sent a bad answer", reason]);
        assert!(!stand.is_stored(greet, "info"), "{bad}");
    }
    let good = get(&stoa, &path).await;
    assert_eq!((good.status, &good.body), (200, &greet.info()));
    assert!(stand.is_stored(greet, "info"));

    let path = pseudo.url_path("info");
    let other = format!(r#"{{"Version":"{PSEUDO}","Time":"2024-01-02T03:04:06Z"}}"#);
    stand.scene.upstream.script(&path, [Reply::ok(other)]);
    assert_error(
        &get(&stoa, &path).await,
        502,
        &["is not that of the pseudo-version"],
    );
    // As it came, to the last byte.
    let odd = format!(
        "{{ \"time\" : \"2024-01-02T05:04:05.25+02:00\",\r\n\"VERſION\":\"{PSEUDO}\", \"More\":[1e999] }}\n"
    );
    stand.scene.upstream.script(&path, [Reply::ok(odd.clone())]);
    let kept = get(&stoa, &path).await;
    assert_eq!((kept.status, &kept.body[..]), (200, odd.as_bytes()));
    assert_eq!(
        std::fs::read(stand.stored(&pseudo, "info")).unwrap(),
        odd.as_bytes()
    );
}

#[tokio::test]
async fn answers_to_queries_are_looked_at_in_the_same_way() {
    let stand = Stand::new();
    let stoa = stand.start();
    for path in ["/example.com/greet/@latest", "/example.com/greet/@v/main.info"] {
        for (bad, reason) in [
            (r#"{"Version":"v1.1.0","version":"v1.1"}"#, "v1.1"),
            (
                r#"{"Version":"v1.1.0","Time":"2024-01-02"}"#,
                "its Time is not of RFC 3339",
            ),
            (r#"{"Version":"v1.1.0","Origin":[]}"#, "Origin is not an object"),
            (r#"{"Version":"v2.0.0"}"#, "v2.0.0"),
            (r#"{"Time":"2024-01-02T03:04:05Z"}"#, "it has no Version"),
        ] {
            stand.scene.upstream.script(path, [Reply::ok(bad)]);
            assert_error(&get(&stoa, path).await, 502, &["sent a bad answer", reason]);
        }
        let good = r#"{"Version":"v1.1.0","Time":"2024-01-02T03:04:05Z"}"#;
        stand.scene.upstream.script(path, [Reply::ok(good)]);
        let answer = get(&stoa, path).await;
        assert_eq!((answer.status, answer.text()), (200, good), "{path}");
    }
}

#[tokio::test]
async fn a_bad_answer_is_no_not_found_and_a_bar_goes_on_to_the_next_source() {
    let other = Upstream::start_blocking();
    let html = "<html><title>Sign in</title></html>";
    for separator in ["|", ","] {
        let stand = Stand::new();
        stand.scene.example.publish(&other);
        let greet = stand.scene.greet();
        let list = format!("{}{separator}{}", stand.scene.upstream.url(), other.url());
        let stoa = StoaProcess::command(STOA)
            .storage(&stand.scene.storage())
            .upstream(&list)
            .env("STOA_DISPATCH_BREAKER", "disabled")
            .env("STOA_DISPATCH_RETRIES", "0")
            .start();
        stand.scene.upstream.on_everything(Reply::ok(html));
        let (info, go_mod) = (greet.url_path("info"), greet.url_path("mod"));
        for (path, want) in [(info.as_str(), greet.info()), (go_mod.as_str(), greet.go_mod())] {
            other.forget_requests();
            let answer = get(&stoa, path).await;
            if separator == "|" {
                assert_eq!((answer.status, &answer.body), (200, &want), "{path}");
            } else {
                assert_error(&answer, 502, &["sent a bad answer"]);
                assert_eq!(other.count(path), 0, "{path}");
            }
        }
        // A list that is cut is a bad answer, too.
        let list = "/example.com/greet/@v/list";
        let send = "v1.0.0\nv1.".to_owned().into();
        stand
            .scene
            .upstream
            .on_everything(Reply::Truncate { announce: 99, send });
        let answer = get(&stoa, list).await;
        if separator == "|" {
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains("v1.1.0"), "{}", answer.text());
        } else {
            assert_eq!(answer.status, 502, "{}", answer.text());
        }
    }
}

/// What can come in place of a go.mod, and what is said of it.
const NO_GO_MODS: &[(&str, &str)] = &[
    (
        "<html><body>Log in</body></html>\n",
        "not a go.mod: it has no module line",
    ),
    ("", "not a go.mod: it has no module line"),
    ("\n\n// a comment\n", "not a go.mod: it has no module line"),
    ("{\"errors\":[{\"status\":401}]}", "not a go.mod: "),
    (
        "module corp.example/tools\n\nrequire (\n\tcorp.example/a v1.0.0\n",
        "unterminated block",
    ),
    (
        "module corp.example/tools\nrequire corp.example/a\n",
        "not a go.mod: ",
    ),
    (
        "module corp.example/other/v2\n\nreplace a.com/b => ../b\n",
        "cannot be a version of",
    ),
];

#[tokio::test]
async fn a_go_mod_that_nothing_verifies_is_read_before_it_is_kept() {
    for how in ["private", "verify", "unavailable"] {
        let stand = Stand::new();
        let module = match how {
            "private" => secret(),
            _ => ModuleFixture::new("example.com/tools", "v1.0.0").file("tools.go", "package tools\n"),
        };
        stand.scene.upstream.module(&module);
        let stoa = match how {
            "private" => start_private(&stand),
            "verify" => stand.stoa().env("STOA_SUMDB_VERIFY", "false").start(),
            _ => {
                stand.database.kill();
                stand.stoa().env("STOA_SUMDB_UNAVAILABLE", "allow").start()
            }
        };
        let path = module.url_path("mod");
        for (bad, reason) in NO_GO_MODS {
            stand.scene.upstream.script(&path, [Reply::ok(*bad)]);
            assert_error(&get(&stoa, &path).await, 502, &["sent a bad answer", reason]);
            assert!(!stand.is_stored(&module, "mod"), "{how}: {bad}");
        }
        let good = get(&stoa, &path).await;
        assert_eq!((good.status, &good.body), (200, &module.go_mod()), "{how}");
    }
}

#[tokio::test]
async fn a_go_mod_that_is_recorded_is_taken_as_it_is() {
    let stand = Stand::new();
    let stoa = stand.start();
    // Nobody can depend on it, but the world has agreed on it.
    let odd =
        ModuleFixture::new("example.com/odd", "v1.0.0").with_go_mod("module example.com/odd\nrequire (\n");
    stand.scene.upstream.module(&odd);
    stand.database.module(&odd);
    let answer = get(&stoa, &odd.url_path("mod")).await;
    assert_eq!((answer.status, &answer.body), (200, &odd.go_mod()));
}

#[test]
fn a_fork_keeps_the_path_of_what_it_was_forked_from_and_is_used_by_a_replacement() {
    let stand = Stand::new();
    let fork = ModuleFixture::new("corp.example/fork", "v1.0.0")
        .with_go_mod("module example.com/original\n\ngo 1.24\n\nreplace example.com/x => ../x\n")
        .file("original.go", "package original\n\nconst Name = \"fork\"\n");
    let old = ModuleFixture::new("corp.example/old", "v1.0.0")
        .without_go_mod()
        .file("old.go", "package old\n\nconst Name = \"old\"\n");
    stand.scene.upstream.modules([&fork, &old]);
    let stoa = start_private(&stand);
    let go = GoClient::new(stoa.url());
    let downloaded = go
        .run(&["mod", "download", "-json", "corp.example/fork@v1.0.0"])
        .expect_success();
    assert!(
        downloaded.stdout.contains(&fork.go_mod_h1()),
        "{}",
        downloaded.stdout
    );
    go.write(
        "go.mod",
        "module app.example\n\ngo 1.24\n\nrequire (\n\texample.com/original v1.0.0\n\tcorp.example/old v1.0.0\n)\n\nreplace example.com/original => corp.example/fork v1.0.0\n",
    );
    go.write(
        "main.go",
        "package main\n\nimport (\n\t\"corp.example/old\"\n\t\"example.com/original\"\n)\n\nfunc main() { println(original.Name, old.Name) }\n",
    );
    let ran = go.run(&["run", "-mod=mod", "."]).expect_success();
    assert!(ran.stderr.ends_with("fork old\n"), "{ran:?}");
}

#[test]
fn the_go_command_meets_the_reason_and_goes_on_when_the_source_is_well() {
    let stand = Stand::new();
    let module = secret();
    stand.scene.upstream.module(&module);
    let stoa = start_private(&stand);
    let go = GoClient::new(stoa.url());
    let download = || go.run(&["mod", "download", "corp.example/tools@v1.0.0"]);
    for (suffix, bad, reason) in [
        (
            "info",
            r#"{"Version":"v1.0.0","Time":"yesterday"}"#,
            "its Time is not of RFC 3339",
        ),
        (
            "mod",
            "<html>Log in</html>",
            "not a go.mod: it has no module line",
        ),
    ] {
        stand.scene.upstream.on(&module.url_path(suffix), Reply::ok(bad));
        let failed = download().expect_failure();
        assert!(failed.stderr.contains(reason), "{}", failed.stderr);
        stand.scene.upstream.recover(&module.url_path(suffix));
    }
    let _ = download().expect_success();
}

#[tokio::test]
async fn a_small_body_that_ends_with_the_connection_is_not_whole() {
    let stand = Stand::new();
    let module = secret();
    stand.scene.upstream.module(&module);
    let stoa = start_private(&stand);
    let files = [
        (module.url_path("info"), module.info()),
        (module.url_path("mod"), module.go_mod()),
        ("/corp.example/tools/@v/list".to_owned(), "v1.0.0\n".into()),
        ("/corp.example/tools/@latest".to_owned(), module.info()),
        ("/corp.example/tools/@v/main.info".to_owned(), module.info()),
    ];
    for (path, body) in &files {
        // All of it, all but the last bytes, and in the words of an older protocol.
        let half = &body[..body.len() / 2];
        let old = [b"HTTP/1.0 200 OK\r\n\r\n", &body[..]].concat();
        for reply in [until_closed(body), until_closed(half), Reply::Raw(old.into())] {
            stand.scene.upstream.script(path, [reply]);
            let answer = get(&stoa, path).await;
            assert_error(
                &answer,
                502,
                &["the body has no length and ends with the connection"],
            );
        }
        assert!(!is_there(&stand.scene.storage().join(&path[1..])), "{path}");
        // With a length it is whole, whatever the protocol's version.
        let told = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let told = [told.as_bytes(), body].concat();
        stand.scene.upstream.script(path, [Reply::Raw(told.into())]);
        let answer = get(&stoa, path).await;
        assert_eq!((answer.status, &answer.body), (200, body), "{path}");
    }
    // In chunks, too.
    let chunked = ModuleFixture::new("corp.example/tools", "v1.0.1");
    for (suffix, body) in [("info", chunked.info()), ("mod", chunked.go_mod())] {
        let path = chunked.url_path(suffix);
        let upstream = &stand.scene.upstream;
        upstream.on(&path, Reply::TruncateChunked(body.clone().into()));
        assert_eq!(get(&stoa, &path).await.status, 502, "{path}");
        upstream.on(&path, Reply::Chunked(body.into()));
        assert_eq!(get(&stoa, &path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_zip_shows_by_itself_whether_it_is_whole() {
    let stand = Stand::new();
    let module = secret();
    let stoa = start_private(&stand);
    let (path, zip) = (module.url_path("zip"), module.zip().to_bytes());
    for missing in [1, 22, 23, zip.len() / 2, zip.len()] {
        let cut = until_closed(&zip[..zip.len() - missing]);
        stand.scene.upstream.script(&path, [cut]);
        assert_eq!(
            get(&stoa, &path).await.status,
            502,
            "without the last {missing} bytes"
        );
        assert!(!stand.is_stored(&module, "zip"));
    }
    stand.scene.upstream.script(&path, [until_closed(&zip)]);
    let answer = get(&stoa, &path).await;
    assert_eq!((answer.status, &answer.body), (200, &zip));
}
