//! What the go command prints when there is nothing to fetch: the same as without stoa.

use stoa_testing::go::GoClient;
use stoa_testing::reply::Reply;

use crate::support::scene;

/// The standard error of a failing command, the proxy's address taken out.
fn complaint(goproxy: &str, arguments: &[&str]) -> String {
    let go = GoClient::new(goproxy);
    go.write("go.mod", "module example.com/app\n\ngo 1.24\n");
    let failed = go.run(arguments).expect_failure();
    failed.stderr.replace(goproxy, "PROXY")
}

#[test]
fn the_words_of_the_upstream_are_printed_unchanged() {
    let scene = scene();
    let words = "not found: example.com/lost: moved\n  to example.com/found\n\nnot shown";
    let html = Reply::Status(404, "text/html".into(), "<h1>lost</h1>".into());
    scene
        .upstream
        .on("/example.com/lost/@v/v1.0.0.info", Reply::text(404, words))
        .on(
            "/example.com/gone/@v/v1.0.0.info",
            Reply::text(410, "gone: for good\n"),
        )
        .on("/example.com/html/@v/v1.0.0.info", html)
        .on(
            "/example.com/latin/@v/v1.0.0.info",
            Reply::Status(404, "text/plain; charset=latin1".into(), "p\u{e9}".into()),
        );
    let stoa = scene.start();
    for module in ["lost", "gone", "html", "latin", "unknown"] {
        let arguments = ["mod", "download", &format!("example.com/{module}@v1.0.0")];
        let direct = complaint(&scene.upstream.url(), &arguments);
        let ours = complaint(stoa.url(), &arguments);
        // The go command prints nothing of a page and of other encodings. Stoa says who has nothing, and passes text on.
        let upstream = scene.upstream.url();
        let words = match module {
            "html" => format!("\n\tserver response: {upstream} does not have it"),
            "latin" => "\n\tserver response: p\u{e9}".to_owned(),
            _ => String::new(),
        };
        let direct = format!("{}{words}\n", direct.trim_end());
        assert_eq!(ours, direct);
        if module == "lost" {
            assert!(
                direct.contains(
                    "server response:\n\tnot found: example.com/lost: moved\n\t  to example.com/found\n"
                ),
                "{direct}"
            );
        }
    }
}

#[test]
fn a_package_that_no_module_has_is_explained_alike() {
    let scene = scene();
    let stoa = scene.start();
    for arguments in [
        ["get", "example.com/greet/nothing"],
        ["get", "example.com/nobody/at/all"],
        ["get", "example.com/greet@v1.9.0"],
        ["get", "example.com/greet@v1.9"],
        ["get", "example.com/greet@nobranch"],
        ["get", "example.com/words@>v1.0.0"],
    ] {
        let direct = complaint(&scene.upstream.url(), &arguments);
        assert_eq!(complaint(stoa.url(), &arguments), direct);
    }
}

#[test]
fn a_source_that_breaks_the_rules_of_zips_is_named() {
    let scene = scene();
    let stoa = scene.start();
    let module = scene.example.module("example.com/greet", "v1.0.0");
    let other = scene.example.module("example.com/greet", "v1.0.1");
    scene.upstream.on(&module.url_path("zip"), Reply::ok(other.zip()));
    let go = GoClient::new(stoa.url());
    let failed = go
        .run(&["mod", "download", "example.com/greet@v1.0.0"])
        .expect_failure();
    let words = [
        "502 Bad Gateway",
        &scene.upstream.url(),
        "path does not have prefix",
    ];
    for word in words {
        assert!(failed.stderr.contains(word), "no {word} in {}", failed.stderr);
    }
    let line = stoa.wait_for_log("a zip was not stored");
    assert!(line.contains(&scene.upstream.url()), "{line}");
    scene.upstream.recover(&module.url_path("zip"));
    let _ = go
        .run(&["mod", "download", "example.com/greet@v1.0.0"])
        .expect_success();
}
