//! Go's own toolchain: asked for blindly by its zip, without `list`, `.info` or `.mod`.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;
use stoa_testing::http;

use crate::support::scene;

const VERSION: &str = "v0.0.1-go1.99.0.linux-amd64";

#[tokio::test]
async fn a_toolchain_is_fetched_by_its_zip_alone() {
    let scene = scene();
    let toolchain = ModuleFixture::new("golang.org/toolchain", VERSION)
        .file("bin/go", "#!/bin/sh\necho go1.99.0\n")
        .file("VERSION", "go1.99.0\n");
    scene.upstream.module(&toolchain);
    let stoa = scene.start();
    let go = GoClient::new(stoa.url()).env("GOTOOLCHAIN", "go1.99.0");
    let go = std::sync::Arc::new(go);

    // The go command never trusts a toolchain without the checksum database, which is switched off here; by then it
    // has the zip.
    let failed = go.run_async(&["version"]).await.expect_failure();
    assert!(
        failed
            .stderr
            .contains("checksum database disabled by GOSUMDB=off"),
        "{}",
        failed.stderr
    );
    let path = toolchain.url_path("zip");
    let lines: Vec<_> = scene
        .upstream
        .requests()
        .iter()
        .map(stoa_testing::upstream::Request::line)
        .collect();
    assert_eq!(lines, [format!("GET {path}")]);

    scene.upstream.kill();
    let stored = http::get(&format!("{}{path}", stoa.url())).await.unwrap();
    assert_eq!((stored.status, &stored.body), (200, &toolchain.zip().to_bytes()));
}
