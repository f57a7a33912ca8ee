//! `stoa prefetch`, and jobs that outlive the server.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use stoa_testing::go::GoClient;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;

use crate::STOA;
use crate::scene::{Scene, module};

const MODULES: usize = 300;

/// A program that uses so many modules, with its go.sum.
fn program(go: &GoClient, modules: usize) {
    let mut requires = String::from("module example.com/app\n\ngo 1.21\n\nrequire (\n");
    let (mut imports, mut uses) = (String::new(), String::new());
    for number in 0..modules {
        writeln!(requires, "\texample.com/m{number} v1.0.0").unwrap();
        writeln!(imports, "\t\"example.com/m{number}\"").unwrap();
        writeln!(uses, "\tprintln(m{number}.Name)").unwrap();
    }
    go.write("go.mod", &(requires + ")\n"));
    go.write(
        "main.go",
        &format!("package main\n\nimport (\n{imports})\n\nfunc main() {{\n{uses}}}\n"),
    );
    drop(go.run(&["mod", "tidy"]).expect_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_is_brought_in_by_its_go_sum_and_builds_without_the_upstream() {
    let modules: Vec<_> = (0..MODULES).map(|number| module(&format!("m{number}"))).collect();
    let scene = Scene::of(&modules);
    // Another server makes the go.sum, so that this one has nothing yet.
    let other = StoaProcess::command(STOA)
        .storage(&scene.directory.path().join("other"))
        .upstream(&scene.upstream.url())
        .env("STOA_SUMDB_VERIFY", "false")
        .start();
    let author = GoClient::new(other.url());
    program(&author, MODULES);
    drop(other);
    scene.upstream.forget_requests();
    let file = scene.file("go.sum", &author.read("go.sum"));

    let began = Instant::now();
    let prefetch = scene.command(&["prefetch", &file]);
    let elapsed = began.elapsed();
    assert_eq!(prefetch.code, Some(0), "{prefetch:?}");
    assert!(
        prefetch.stdout.contains(&format!("({MODULES} modules)")),
        "{}",
        prefetch.stdout
    );
    let asked = scene.upstream.total();
    println!("{MODULES} modules in {elapsed:?}, {asked} requests");
    assert_eq!(asked, 3 * MODULES, "each file once");
    let again = scene.command(&["prefetch", &file]);
    assert_eq!(
        (again.code, scene.upstream.total()),
        (Some(0), asked),
        "what is held is not asked for: {again:?}"
    );

    scene.upstream.kill();
    let builder = GoClient::new(scene.stoa.url());
    for name in ["go.mod", "go.sum", "main.go"] {
        builder.write(name, &author.read(name));
    }
    drop(builder.run(&["build", "-o", "app", "."]).expect_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_done_whatever_dies() {
    let modules: Vec<_> = (0..60).map(|number| module(&format!("m{number}"))).collect();
    let mut scene = Scene::of(&modules);
    let mut text = String::new();
    for module in &modules {
        writeln!(text, "{}@v1.0.0", module.path()).unwrap();
    }
    let file = scene.file("modules.txt", &text);
    let detached = scene.command(&["prefetch", "--detach", &file]);
    assert_eq!(detached.code, Some(0), "{detached:?}");
    let id = detached.stdout.split_whitespace().next().unwrap().to_owned();
    let seed = stoa_testing::go::environment("STOA_SEED").and_then(|seed| seed.parse().ok());
    let mut seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    for _ in 0..4 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // A random moment is what this is about; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(20 + (seed >> 33) % 200)).await;
        scene.kill_and_restart();
    }
    let job = scene.ended(&id).await;
    assert_eq!(
        (job["state"].as_str(), job["children"]["ok"].as_u64()),
        (Some("ok"), Some(60)),
        "{job}"
    );
    for module in &modules {
        let path = scene
            .directory
            .path()
            .join("storage")
            .join(&module.url_path("zip")[1..]);
        assert_eq!(
            std::fs::read(&path).unwrap(),
            module.zip().to_bytes(),
            "{}",
            path.display()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_printed() {
    let scene = Scene::of(&[module("a")]);
    let file = scene.file("list", "example.com/a@v1.0.0\nexample.com/none@v1.0.0\n");
    let prefetch = scene.command(&["prefetch", &file]);
    assert_eq!(prefetch.code, Some(1), "{prefetch:?}");
    assert!(
        prefetch.stdout.contains("1 of 2 modules could not be brought in"),
        "{}",
        prefetch.stdout
    );
    assert!(
        prefetch.stdout.contains("dead       example.com/none@v1.0.0  "),
        "{}",
        prefetch.stdout
    );
    let missing = scene.command(&["prefetch", "go.sum.none"]);
    assert!(missing.stderr.contains("there is no such file"), "{missing:?}");
    let odd = scene.file("go.sum", "example.com/a v1.0.0\n");
    let odd = scene.command(&["prefetch", &odd]);
    assert!(odd.stderr.contains("line 1: wrong number of fields 2"), "{odd:?}");
}

/// The median time of cold requests for the zips of modules of these names.
async fn median(scene: &Scene, names: impl Iterator<Item = String>) -> Duration {
    let mut times = Vec::new();
    for name in names {
        let url = format!("{}/example.com/{name}/@v/v1.0.0.zip", scene.stoa.url());
        let began = Instant::now();
        assert_eq!(http::get(&url).await.unwrap().status, 200, "{name}");
        times.push(began.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_does_not_wait_for_a_prefetch() {
    const MODULES: usize = 200;
    let names: Vec<_> = (0..MODULES + 30).map(|number| format!("m{number}")).collect();
    let modules: Vec<_> = names.iter().map(|name| module(name)).collect();
    let scene = Scene::of(&modules);
    for module in &modules {
        let body = module.zip();
        let (chunk, every) = (
            usize::try_from(body.len()).unwrap() / 2 + 1,
            Duration::from_millis(200),
        );
        scene
            .upstream
            .on(&module.url_path("zip"), Reply::Drip { body, chunk, every });
    }
    let quiet = median(&scene, names[MODULES..][..15].iter().cloned()).await;
    let lines: Vec<_> = names[..MODULES]
        .iter()
        .map(|name| format!("example.com/{name}@v1.0.0"))
        .collect();
    let file = scene.file("list", &lines.join("\n"));
    let detached = scene.command(&["prefetch", "--detach", &file]);
    let id = detached.stdout.split_whitespace().next().unwrap();
    scene.upstream.arrived("/example.com/m0/@v/v1.0.0.zip", 1).await;
    let busy = median(&scene, names[MODULES..][15..].iter().cloned()).await;
    let (_, job) = scene.api("GET", &format!("jobs/{id}"), "").await;
    println!("a cold zip: {quiet:?} on an idle server, {busy:?} beside a prefetch");
    assert_eq!(job["state"], "blocked", "it has not ended meanwhile: {job}");
    assert!(busy <= quiet * 3 / 2, "{quiet:?} {busy:?}");
    assert_eq!(scene.ended(id).await["state"], "ok");
}
