//! The go command switches its toolchain through stoa: online, and when upstream and database are gone.
//!
//! Go 1.27.2 and later look up every toolchain in the checksum database, also where go.sum has a line of it.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::{GoClient, GoOutput};
use stoa_testing::process::{StoaCommand, StoaProcess, run};
use stoa_testing::scene::Scene;
use stoa_testing::sum_database::SumDatabase;

use crate::mirror::STOA;

/// An upstream with toolchains and modules, and a database that knows all of them.
struct Stand {
    scene: Scene,
    database: SumDatabase,
}

impl Stand {
    fn new() -> Self {
        let scene = Scene::new(STOA);
        let database = SumDatabase::start();
        database.modules(&scene.example.modules);
        Self { scene, database }
    }

    /// A toolchain that says its version, upstream and in the database.
    fn toolchain(&self, version: &str) -> ModuleFixture {
        let toolchain = toolchain(version);
        self.scene.upstream.module(&toolchain);
        self.database.module(&toolchain);
        toolchain
    }

    /// The database goes on and records so many versions of other modules.
    fn grow(&self, records: usize) {
        let from = self.database.size();
        for n in from..from + records as u64 {
            let (version, lines) = (
                format!("v0.0.{n}"),
                format!("example.com/other v0.0.{n} h1:AAAA=\n"),
            );
            self.database.record("example.com/other", &version, &lines);
        }
    }

    fn stoa(&self) -> StoaCommand {
        self.scene
            .stoa()
            .env("STOA_SUMDB_DATABASES", &self.database.gosumdb())
            .env("STOA_DISPATCH_BREAKER", "disabled")
            .env("STOA_DISPATCH_RETRIES", "0")
    }

    /// Nobody is there any more.
    fn leave(&self) {
        self.database.kill();
        self.scene.upstream.kill();
    }

    /// A newer go command that has downloaded nothing, and verifies with the database through stoa.
    fn go(&self, stoa: &StoaProcess) -> GoClient {
        GoClient::newer(stoa.url()).verify_with(&self.database.key())
    }

    /// The same, which switches to this version.
    fn switched(&self, stoa: &StoaProcess, version: &str) -> GoOutput {
        self.go(stoa).env("GOTOOLCHAIN", version).run(&["version"])
    }
}

fn toolchain(version: &str) -> ModuleFixture {
    ModuleFixture::new("golang.org/toolchain", &format!("v0.0.1-{version}.linux-amd64"))
        .file("bin/go", format!("#!/bin/sh\necho this is {version}\n"))
        .file("VERSION", format!("{version}\n"))
        .file("pkg/tool/linux_amd64/compile", "#!/bin/sh\n")
        .file("bin/gofmt", "#!/bin/sh\n")
        .file("lib/wasm/wasm_exec.js", "\n")
}

fn says(version: &str) -> String {
    format!("this is {version}\n")
}

#[test]
fn what_was_switched_to_once_is_switched_to_without_upstream_and_database() {
    let stand = Stand::new();
    let go_1_99 = stand.toolchain("go1.99.0");
    let mut stoa = stand.stoa().start();
    let ran = stand.switched(&stoa, "go1.99.0").expect_success();
    assert_eq!(ran.stdout, says("go1.99.0"));
    let asked: Vec<_> = stand
        .scene
        .upstream
        .requests()
        .iter()
        .map(|r| r.path.clone())
        .collect();
    assert_eq!(asked, [go_1_99.url_path("zip")], "asked for by its zip alone");

    stand.leave();
    for mode in ["online", "fallback", "offline"] {
        stoa.kill9();
        stoa = stand.stoa().args(&["--network", mode]).start();
        let ran = stand.switched(&stoa, "go1.99.0").expect_success();
        assert_eq!(ran.stdout, says("go1.99.0"), "{mode}");
        // So does a go command that is to verify nothing.
        let go = GoClient::newer(stoa.url())
            .verify_with(&stand.database.key())
            .env("GONOSUMDB", "*")
            .env("GOTOOLCHAIN", "go1.99.0");
        assert_eq!(
            go.run(&["version"]).expect_success().stdout,
            says("go1.99.0"),
            "{mode}"
        );
    }
    let ran = stand.switched(&stoa, "go1.98.0").expect_failure();
    assert!(ran.stderr.contains("toolchain not available"), "{}", ran.stderr);
}

#[test]
fn a_module_that_needs_a_newer_go_is_built_with_it_whatever_go_sum_has() {
    let stand = Stand::new();
    let go_1_99 = stand.toolchain("go1.99.0");
    let build = |stoa: &StoaProcess, go_sum: &str| {
        let go = stand.go(stoa).env("GOTOOLCHAIN", "auto");
        go.write("go.mod", "module app.example\n\ngo 1.99.0\n");
        go.write("go.sum", go_sum);
        go.run(&["build", "."]).expect_success().stdout
    };
    let mut stoa = stand.stoa().start();
    assert_eq!(build(&stoa, ""), says("go1.99.0"));
    let lookup = format!("/lookup/golang.org/toolchain@{}", go_1_99.version());
    assert_eq!(stand.database.count(&lookup), 1);
    stand.leave();
    stoa.kill9();
    let stoa = stand.stoa().args(&["--network", "offline"]).start();
    for go_sum in ["", &go_1_99.go_sum()] {
        assert_eq!(build(&stoa, go_sum), says("go1.99.0"));
    }
    let asked = "stoa_requests_total{resource=\"sumdb_lookup\",result=\"hit\",status=\"200\"} 2";
    let metrics = stoa_metrics(&stoa);
    assert!(
        metrics.contains(asked),
        "the database is asked in spite of go.sum: {metrics}"
    );
}

/// What the server has counted.
fn stoa_metrics(stoa: &StoaProcess) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer = runtime.block_on(stoa_testing::http::get(&format!("{}/metrics", stoa.url())));
    let metrics = answer.unwrap();
    let lines = metrics.text().lines();
    lines
        .filter(|line| line.contains("sumdb"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The database grows between what is seen of it, past the ends of tiles, so that each record comes with another head.
/// Afterwards clients ask in any order, each from a different head on.
#[test]
fn records_of_many_heads_hold_together_when_the_database_is_gone() {
    let stand = Stand::new();
    let mut stoa = stand.stoa().start();
    let versions = ["go1.91.0", "go1.92.0", "go1.93.0", "go1.94.0", "go1.95.0"];
    for (version, growth) in versions.into_iter().zip([3, 250, 600, 66_000, 1]) {
        stand.toolchain(version);
        let ran = stand.switched(&stoa, version).expect_success();
        assert_eq!(ran.stdout, says(version));
        stand.grow(growth);
    }
    stand.leave();
    stoa.kill9();
    let stoa = stand.stoa().args(&["--network", "offline"]).start();
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1], [3, 0, 4, 1, 2]] {
        let go = stand.go(&stoa);
        let go = order.iter().fold(go, |go, at| {
            let go = go.env("GOTOOLCHAIN", versions[*at]);
            let ran = go.run(&["version"]).expect_success();
            assert_eq!(ran.stdout, says(versions[*at]), "{order:?}");
            go
        });
        drop(go);
    }
    // Each by itself, too.
    for version in versions {
        let ran = stand.switched(&stoa, version).expect_success();
        assert_eq!(ran.stdout, says(version));
    }
}

#[test]
fn a_toolchain_can_be_brought_in_ahead_of_time_whenever_its_zip_was_stored() {
    let stand = Stand::new();
    let (early, late) = (stand.toolchain("go1.98.0"), stand.toolchain("go1.99.0"));
    // Stored while nothing was verified, so that no record of it is kept.
    let unverified = stand.stoa().env("STOA_SUMDB_VERIFY", "false").start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for file in ["info", "mod", "zip"] {
        let url = format!("{}{}", unverified.url(), early.url_path(file));
        let answer = runtime.block_on(stoa_testing::http::get(&url)).unwrap();
        assert_eq!(answer.status, 200, "{file}");
    }
    drop(unverified);
    assert_eq!(stand.database.count_below("/lookup/"), 0);

    let storage = stand.scene.storage();
    let (upstream, database) = (stand.scene.upstream.url(), stand.database.gosumdb());
    let fetch = |module: &ModuleFixture| {
        let module = format!("{}@{}", module.path(), module.version());
        let arguments = [
            "fetch",
            "--storage",
            storage.to_str().unwrap(),
            "--upstream",
            &upstream,
            &module,
        ];
        run(STOA, &arguments, &[("STOA_SUMDB_DATABASES", database.as_str())])
    };
    for module in [&early, &late] {
        let fetched = fetch(module);
        assert_eq!(fetched.code, Some(0), "{}{}", fetched.stdout, fetched.stderr);
    }
    assert_eq!(stand.database.count_below("/lookup/"), 2);
    // So does a running server for who asks it ahead of time.
    let third = stand.toolchain("go1.97.0");
    let server = stand.stoa().start();
    let (token, module) = (
        server.admin_token_file().unwrap(),
        format!("{}@{}", third.path(), third.version()),
    );
    let token = token.to_str().unwrap();
    let arguments = [
        "prefetch",
        "--quiet",
        &module,
        "--server",
        server.url(),
        "--token-file",
        token,
    ];
    let home = [("XDG_DATA_HOME", stand.scene.directory().to_str().unwrap())];
    let prefetched = run(STOA, &arguments, &home);
    assert_eq!(
        prefetched.code,
        Some(0),
        "{}{}",
        prefetched.stdout,
        prefetched.stderr
    );
    drop(server);
    stand.leave();
    let stoa = stand.stoa().args(&["--network", "offline"]).start();
    for version in ["go1.97.0", "go1.98.0", "go1.99.0"] {
        let ran = stand.switched(&stoa, version).expect_success();
        assert_eq!(ran.stdout, says(version));
    }
    // What is stored is still fetched when nobody can be asked, by those who are told so.
    drop(stoa);
    let refused = fetch(&early);
    assert_eq!(
        refused.code,
        Some(0),
        "what is kept is enough: {}",
        refused.stdout
    );
}

#[test]
fn a_stored_toolchain_that_is_not_the_recorded_one_is_found_out_by_fetch() {
    let stand = Stand::new();
    let other = ModuleFixture::new("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64")
        .file("bin/go", "#!/bin/sh\necho this is somebody else's\n");
    stand.scene.upstream.module(&other);
    stand.database.module(&toolchain("go1.99.0"));
    let storage = stand.scene.storage();
    let (upstream, database) = (stand.scene.upstream.url(), stand.database.gosumdb());
    let module = format!("{}@{}", other.path(), other.version());
    let fetch = |verify| {
        let arguments = [
            "fetch",
            "--storage",
            storage.to_str().unwrap(),
            "--upstream",
            &upstream,
            &module,
        ];
        let environment = [
            ("STOA_SUMDB_DATABASES", database.as_str()),
            ("STOA_SUMDB_VERIFY", verify),
        ];
        run(STOA, &arguments, &environment)
    };
    assert_eq!(fetch("false").code, Some(0));
    let found = fetch("true");
    assert_eq!(found.code, Some(1), "{}", found.stdout);
    assert!(found.stdout.contains("security error"), "{}", found.stdout);
}
