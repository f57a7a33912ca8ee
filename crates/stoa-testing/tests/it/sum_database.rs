//! The checksum database as the real go command sees it.

use stoa_testing::fixtures::{ModuleFixture, example_workspace};
use stoa_testing::go::{GoClient, GoOutput};
use stoa_testing::http;
use stoa_testing::sum_database::{SumDatabase, SumMisbehavior};
use stoa_testing::upstream::Upstream;

/// A proxy and a database that know the same modules.
struct World {
    upstream: Upstream,
    database: SumDatabase,
    modules: Vec<ModuleFixture>,
}

impl World {
    fn new(database: SumDatabase) -> Self {
        let upstream = Upstream::start_blocking();
        let modules: Vec<ModuleFixture> = (0..5)
            .map(|number| {
                ModuleFixture::new(&format!("example.com/Mod/m{number}"), "v1.2.3")
                    .file("m.go", format!("package m\n\nconst Number = {number}\n"))
            })
            .collect();
        upstream.modules(&modules);
        database.modules(&modules);
        Self {
            upstream,
            database,
            modules,
        }
    }

    fn go(&self) -> GoClient {
        let go = GoClient::new(&self.upstream.url()).verify_with(&self.database.gosumdb());
        go.write("go.mod", "module example.com/app\n\ngo 1.24\n");
        go
    }
}

fn download(go: &GoClient, number: usize) -> GoOutput {
    go.run(&[
        "mod",
        "download",
        "-json",
        &format!("example.com/Mod/m{number}@v1.2.3"),
    ])
}

/// What the go command says of a download that fails.
fn refusal(go: &GoClient, number: usize) -> String {
    let output = download(go, number).expect_failure();
    format!("{}{}", output.stdout, output.stderr)
}

#[test]
fn good_modules_are_accepted() {
    let world = World::new(SumDatabase::start());
    let go = world.go();
    for (number, module) in world.modules.iter().enumerate() {
        let output = download(&go, number).expect_success();
        assert!(output.stdout.contains(&module.h1()), "{}", output.stdout);
        let lookup = format!("/lookup/example.com/!mod/m{number}@v1.2.3");
        assert_eq!(world.database.count(&lookup), 1);
    }
    assert_eq!(world.database.count("/tile/8/0/000.p/5"), 1);
    assert_eq!(world.database.count_below("/tile/"), 1);
    assert_eq!(world.database.count_below("/lookup/"), 5);
}

#[test]
fn a_database_of_many_records_with_a_path_in_its_name() {
    let database = SumDatabase::named("sum.example.com/some/db");
    for number in 0..700 {
        let filler = ModuleFixture::new(&format!("example.com/filler{number}"), "v0.1.0");
        database.module(&filler);
    }
    let example = example_workspace();
    database.modules(&example.modules);
    let world = World::new(database);
    example.publish(&world.upstream);
    let go = world.go();
    example.write_app(&go.directory());
    let _ = go.run(&["mod", "tidy"]).expect_success();
    let _ = go.run(&["build", "-o", "app", "."]).expect_success();
    assert!(world.database.url().ends_with("/some/db"));
    assert!(world.database.key().starts_with("sum.example.com/some/db+"));
    let requests = world.database.requests();
    assert!(
        requests.contains(&"/lookup/example.com/!upper/!case@v0.3.0".to_owned()),
        "{requests:?}"
    );
    assert!(
        requests.iter().any(|path| path.starts_with("/tile/8/1/000.p/")),
        "{requests:?}"
    );
    assert_eq!(world.database.size(), 700 + example.modules.len() as u64 + 5);
}

#[test]
fn a_tampered_zip_is_refused() {
    let world = World::new(SumDatabase::start());
    let evil = ModuleFixture::new("example.com/Mod/m2", "v1.2.3").file("m.go", "package m // evil\n");
    world.upstream.module(&evil);
    let go = world.go();
    let said = refusal(&go, 2);
    assert!(
        said.contains("checksum mismatch") && said.contains("SECURITY ERROR"),
        "{said}"
    );
    assert!(
        said.contains(&evil.h1()) && said.contains(&world.modules[2].h1()),
        "{said}"
    );
    let _ = download(&go, 1).expect_success();
}

#[test]
fn lies_are_refused_until_they_end() {
    let world = World::new(SumDatabase::start());
    for (fault, says) in [
        (SumMisbehavior::Fails, "500 Internal Server Error"),
        (SumMisbehavior::KnowsNothing, "404 Not Found"),
        (SumMisbehavior::TamperedTiles, "downloaded inconsistent tile"),
        (SumMisbehavior::TamperedRecords, "cannot authenticate record data"),
        (SumMisbehavior::ForeignRecords, "SECURITY ERROR"),
        (SumMisbehavior::EmptyLookups, "malformed record data"),
        (SumMisbehavior::EmptyRecords, "SECURITY ERROR"),
    ] {
        world.database.fail(fault);
        let go = world.go();
        let said = refusal(&go, 3);
        assert!(said.contains(says), "{fault:?}: {said}");
        world.database.recover();
        // A record of the log is cached by the go command before it looks for the module in it.
        let is_cached = matches!(
            fault,
            SumMisbehavior::ForeignRecords | SumMisbehavior::EmptyRecords
        );
        let go = if is_cached { world.go() } else { go };
        let _ = download(&go, 3).expect_success();
    }
}

#[test]
fn a_forked_log_is_refused_by_who_has_seen_the_other() {
    let world = World::new(SumDatabase::start());
    let go = world.go();
    let _ = download(&go, 1).expect_success();
    world.database.fail(SumMisbehavior::Forked);
    let said = refusal(&go, 2);
    assert!(said.contains("SECURITY ERROR"), "{said}");
    assert!(said.contains("misbehavior detected"), "{said}");
    // Who sees it first has no reason to doubt.
    let _ = download(&world.go(), 2).expect_success();
    world.database.recover();
    let _ = download(&go, 2).expect_success();
}

/// An older head is none of the go command's business as long as it is of the same log.
#[test]
fn a_rolled_back_head_has_fewer_records() {
    let world = World::new(SumDatabase::start());
    let go = world.go();
    let _ = download(&go, 1).expect_success();
    world.database.fail(SumMisbehavior::RolledBack(3));
    let _ = download(&go, 2).expect_success();
    let said = refusal(&world.go(), 4);
    assert!(
        said.contains("cannot validate record 4 in tree of size 3"),
        "{said}"
    );
}

#[test]
fn a_killed_database_comes_back_on_its_port() {
    let world = World::new(SumDatabase::start());
    let go = world.go();
    let _ = download(&go, 0).expect_success();
    world.database.kill();
    let said = refusal(&go, 1);
    assert!(said.contains("connection refused"), "{said}");
    world.database.restart_same_port();
    let _ = download(&go, 1).expect_success();
    assert_eq!(world.database.count_below("/lookup/"), 2);
}

#[test]
fn nobody_asks_for_private_modules() {
    let world = World::new(SumDatabase::start());
    let go = world.go().env("GONOSUMDB", "example.com/Mod/*");
    let _ = download(&go, 1).expect_success();
    assert_eq!(world.database.requests(), [""; 0]);
}

#[tokio::test]
async fn paths_are_answered_as_by_the_server_of_go() {
    let world = World::new(SumDatabase::named("sum.example.com/db"));
    let get = async |path: &str| {
        let response = http::get(&format!("{}{path}", world.database.url()))
            .await
            .unwrap();
        (response.status, response.body.len())
    };
    assert_eq!(get("/tile/8/0/000.p/5").await, (200, 160));
    for (path, status) in [
        ("/latest", 200),
        ("/lookup/example.com/!mod/m1@v1.2.3", 200),
        ("/tile/8/data/000.p/5", 200),
        ("/tile/8/0/000", 404),
        ("/lookup/example.com/nothing@v1.2.3", 404),
        ("/lookup/example.com/!mod/m1@latest", 400),
        ("/tile/8/0/0", 400),
        ("/supported", 404),
        ("/", 404),
    ] {
        assert_eq!(get(path).await.0, status, "{path}");
    }
    let outside = http::get(&format!("{}/latest", world.database.server().url()))
        .await
        .unwrap();
    assert_eq!(outside.status, 404);
}
