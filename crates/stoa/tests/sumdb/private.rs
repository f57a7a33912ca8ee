//! A private module's name is in nothing that leaves.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;
use stoa_testing::upstream::Upstream;

use crate::support::{Stand, assert_error, get, metric};

/// Everything that was asked of a server, as it was written.
fn said_to(server: &Upstream) -> String {
    let requests = server.requests();
    let texts = requests.iter().map(|request| {
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        format!(
            "{} {} {}\n{}",
            request.method,
            request.target,
            request.path,
            headers.join("\n")
        )
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether a text has the name in any spelling: of letters, of escapes, percent-encoded once or twice.
fn names_it(text: &str) -> bool {
    let mut text = text.to_ascii_lowercase();
    for _ in 0..3 {
        text = percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .to_ascii_lowercase();
    }
    let plain: String = text.chars().filter(|c| *c != '!').collect();
    plain.contains("hush")
}

#[test]
fn the_scan_sees_through_spellings() {
    for text in [
        "/corp.example/Hush",
        "corp.example%2f!h!u!s!h",
        "%2521hu%2573h",
        "HUSH",
    ] {
        assert!(names_it(text), "{text}");
    }
    assert!(!names_it("/lookup/example.com/greet@v1.0.0"));
}

#[tokio::test]
async fn no_request_that_leaves_has_a_private_name_in_it() {
    let stand = Stand::new();
    let (inside, secret) = (
        Upstream::start_blocking(),
        ModuleFixture::new("corp.example/Hush/lib", "v1.2.0"),
    );
    inside.module(&secret);
    let config = stand.scene.directory().join("stoa.toml");
    let toml = format!(
        "[vcs]\nprivate = \"corp.example/*\"\n[[route]]\nmatch = \"corp.example/*\"\nupstream = \"{}\"\n",
        inside.url()
    );
    std::fs::write(&config, toml).unwrap();
    let stoa = stand.stoa().arg("--config").arg(config.to_str().unwrap()).start();

    // It is served, unverified, from where it is.
    for suffix in ["info", "mod", "zip"] {
        assert_eq!(get(&stoa, &secret.url_path(suffix)).await.status, 200);
    }
    assert_eq!(
        metric(&stoa, "stoa_sumdb_verifications_total{result=\"private\"}").await,
        2
    );
    let lookup = stand.passed("/lookup");
    for (path, status) in [
        ("/corp.example/!hush/lib@v1.2.0", 403),
        ("/corp.example/hush@v1.2.0", 403),
        ("/corp.example%2f!hush%2Flib@v1.2.0", 403),
        ("/corp.example/%21%68ush/lib@v1.2.0", 403),
        ("/%63orp.example/!hush/lib%40v1.2.0", 403),
        ("/corp.example/Hush/lib@v1.2.0", 400),
        ("/CORP.example/hush@v1.2.0", 400),
        ("/!c!o!r!p.example/hush@v1.2.0", 400),
        ("/corp.example%252fhush@v1.2.0", 400),
        ("/x/../corp.example/hush@v1.2.0", 400),
        ("/example.com%2f..%2fcorp.example/hush@v1.2.0", 400),
        ("/./corp.example/hush@v1.2.0", 400),
        ("//corp.example/hush@v1.2.0", 400),
        ("/corp.example/hush@v1.2.0/../../../latest", 400),
        ("/corp.example/hush@v1.2.0%3fx", 400),
    ] {
        let answer = get(&stoa, &format!("{lookup}{path}")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let refused = get(&stoa, &format!("{lookup}/corp.example/!hush/lib@v1.2.0")).await;
    assert_error(
        &refused,
        403,
        &["corp.example/Hush/lib@v1.2.0 is private (vcs.private)"],
    );
    // The query and headers of a client go nowhere.
    let url = format!("{}{}?corp.example/hush", stoa.url(), stand.passed("/latest"));
    let headers = [("Referer", "https://corp.example/hush"), ("X-Hush", "hush")];
    let answer = http::request("GET", &url, &headers, b"").await.unwrap();
    assert_eq!(answer.status, 200);
    // Neither does what is public name it.
    for suffix in ["mod", "zip"] {
        assert_eq!(
            get(&stoa, &stand.scene.greet().url_path(suffix)).await.status,
            200
        );
    }

    assert!(stand.database.count_below("/lookup/") >= 1 && stand.scene.upstream.total() >= 2);
    for server in [stand.database.server(), &stand.scene.upstream] {
        let said = said_to(server);
        assert!(!names_it(&said), "{said}");
    }
}

#[test]
fn a_go_command_that_does_not_verify_private_modules_builds_with_them() {
    let stand = Stand::new();
    let secret = ModuleFixture::new("corp.example/hush", "v1.2.0").file("hush.go", "package hush\n");
    stand.scene.upstream.module(&secret);
    let config = stand.private("corp.example");
    let stoa = stand.stoa().arg("--config").arg(&config).start();
    let go = stoa_testing::go::GoClient::new(stoa.url())
        .verify_with(&stand.database.key())
        .env("GONOSUMDB", "corp.example");
    let _ = go
        .run(&[
            "mod",
            "download",
            "corp.example/hush@v1.2.0",
            "example.com/greet@v1.0.0",
        ])
        .expect_success();
    let go = stoa_testing::go::GoClient::new(stoa.url()).verify_with(&stand.database.key());
    let failed = go
        .run(&["mod", "download", "corp.example/hush@v1.2.0"])
        .expect_failure();
    assert!(
        failed.stderr.contains("is private (vcs.private)"),
        "{}",
        failed.stderr
    );
    assert!(!names_it(&said_to(stand.database.server())));
}
