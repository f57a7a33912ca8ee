//! Go's own toolchain, which the go command always verifies, with verification switched off too.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;

use crate::support::{Stand, assert_error, get, lookup};

const VERSION: &str = "v0.0.1-go1.99.0.linux-amd64";

fn toolchain(says: &str) -> ModuleFixture {
    ModuleFixture::new("golang.org/toolchain", VERSION)
        .file("bin/go", format!("#!/bin/sh\necho {says}\n"))
        .file("VERSION", "go1.99.0\n")
        .file("pkg/tool/linux_amd64/compile", "#!/bin/sh\n")
        .file("bin/gofmt", "#!/bin/sh\n")
        .file("lib/wasm/wasm_exec.js", "\n")
}

fn switching(url: &str, key: &str) -> GoClient {
    GoClient::new(url).verify_with(key).env("GOTOOLCHAIN", "go1.99.0")
}

#[test]
fn switching_works_through_stoa_with_checksums_and_offline_once_seen() {
    let stand = Stand::new();
    let go_1_99 = toolchain("this is go1.99.0");
    stand.scene.upstream.module(&go_1_99);
    stand.database.module(&go_1_99);
    let mut stoa = stand.start();
    let ran = switching(stoa.url(), &stand.database.key())
        .run(&["version"])
        .expect_success();
    assert_eq!(ran.stdout, "this is go1.99.0\n");
    assert_eq!(stand.database.count(&lookup(&go_1_99)), 1);
    let lines: Vec<_> = stand
        .scene
        .upstream
        .requests()
        .iter()
        .map(|request| request.path.clone())
        .collect();
    assert_eq!(
        lines,
        [go_1_99.url_path("zip")],
        "asked for blindly, by its zip alone"
    );

    stand.database.kill();
    stand.scene.upstream.kill();
    let ran = switching(stoa.url(), &stand.database.key())
        .run(&["version"])
        .expect_success();
    assert_eq!(ran.stdout, "this is go1.99.0\n");
    stoa.kill9();
    let stoa = stand.stoa().args(&["--network", "offline"]).start();
    let ran = switching(stoa.url(), &stand.database.key())
        .run(&["version"])
        .expect_success();
    assert_eq!(ran.stdout, "this is go1.99.0\n");
}

#[tokio::test]
async fn another_toolchain_than_the_recorded_one_is_refused() {
    let stand = Stand::new();
    stand.database.module(&toolchain("this is go1.99.0"));
    let other = toolchain("this is somebody else's");
    stand.scene.upstream.module(&other);
    let stoa = stand.start();
    let answer = get(&stoa, &other.url_path("zip")).await;
    assert_error(
        &answer,
        403,
        &[
            "security error",
            "golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64",
        ],
    );
    assert!(!stand.is_stored(&other, "zip"));
}
