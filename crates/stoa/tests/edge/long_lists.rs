//! Lists that are longer than any real module's, from whoever wants to keep others waiting.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_testing::git_http::GitHttp;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use tokio::task::JoinSet;

use crate::support::{STOA, assert_error, get, scene};

/// A list of so many versions from the highest down, which is the wrong way around.
fn list(versions: usize) -> String {
    (0..versions).rev().fold(String::new(), |mut text, patch| {
        let _infallible = writeln!(text, "v1.0.{patch}");
        text
    })
}

/// How long `/healthz` took at most while `work` ran, and how often it was asked.
async fn slowest_health<T>(stoa: &StoaProcess, work: impl Future<Output = T>) -> (Duration, usize, T) {
    let (mut slowest, mut asked) = (Duration::ZERO, 0);
    let mut work = std::pin::pin!(work);
    loop {
        let began = Instant::now();
        let health = async {
            let status = get(stoa, "/healthz").await.status;
            assert_eq!(status, 200);
            (slowest, asked) = (slowest.max(began.elapsed()), asked + 1);
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        tokio::select! {
            done = &mut work => return (slowest.max(began.elapsed()), asked, done),
            () = health => {}
        }
    }
}

#[tokio::test]
async fn a_list_over_its_bound_is_a_bad_answer() {
    let scene = scene();
    let stoa = scene.start();
    for (module, reply) in [
        ("known", Reply::ok(list(150_000))),
        ("streamed", Reply::Chunked(list(150_000).into())),
    ] {
        let path = format!("/example.com/{module}/@v/list");
        scene.upstream.on(&path, reply);
        let answer = get(&stoa, &path).await;
        assert_error(module, &answer, 502, "larger than the limit of 1048576 bytes");
    }
    let stoa = scene.start_with(&[("STOA_FETCH_MAX_LIST", "4MiB")]);
    let answer = get(&stoa, "/example.com/known/@v/list").await;
    assert_eq!((answer.status, answer.text().lines().count()), (200, 150_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_delay_nobody_else_and_are_put_together_once() {
    const MODULES: usize = 24;
    const CALLERS: usize = 6;
    let scene = scene();
    // All of them fit into memory: what does not is asked for again by whoever comes late.
    let stoa = Arc::new(scene.start_with(&[("STOA_CACHE_ANSWERS", "64MiB")]));
    let (text, versions) = (list(90_000), 90_000);
    for module in 0..MODULES {
        let path = format!("/example.com/long{module}/@v/list");
        scene.upstream.on(&path, Reply::ok(text.clone()));
    }
    let mut clients = JoinSet::new();
    for client in 0..MODULES * CALLERS {
        let stoa = Arc::clone(&stoa);
        clients.spawn(async move {
            let path = format!("/example.com/long{}/@v/list", client % MODULES);
            get(&stoa, &path).await
        });
    }
    let all = async { clients.join_all().await };
    let (slowest, asked, answers) = slowest_health(&stoa, all).await;
    println!("the slowest of {asked} questions for its health took {slowest:?}");
    for answer in answers {
        let lines: Vec<&str> = answer.text().lines().collect();
        assert_eq!((answer.status, lines.len()), (200, versions));
        assert_eq!((lines[0], lines[versions - 1]), ("v1.0.0", "v1.0.89999"));
    }
    for module in 0..MODULES {
        let path = format!("/example.com/long{module}/@v/list");
        assert_eq!(scene.upstream.count(&path), 1, "{path}");
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

/// A bare repository of one module with so many tags, and as many repositories that are the same.
fn tagged(dir: &Path, tags: usize, names: &[String]) {
    let script = r#"
git init -q -b main work; cd work
printf 'module git.example/r.git\n' >go.mod; git add -A; git commit -qm one
cd ..; git clone -q --mirror work srv/r.git
{ git -C srv/r.git rev-parse main | sed 's/$/ refs\/heads\/main/'
  seq -f "$(git -C srv/r.git rev-parse main) refs/tags/v1.%06.0f.0" 1 TAGS | sed 's/v1\.0*/v1./' | LC_ALL=C sort -k2; } >packed
{ echo '# pack-refs with: peeled fully-peeled sorted '; cat packed; } >srv/r.git/packed-refs
rm -rf srv/r.git/refs/heads/*
"#;
    let made = Command::new("bash")
        .args(["-euc", &script.replace("TAGS", &tags.to_string())])
        .current_dir(dir)
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "A")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "a@git.example")))
        .status();
    assert!(made.unwrap().success());
    for name in names {
        std::os::unix::fs::symlink("r.git", dir.join("srv").join(name)).unwrap();
    }
}

fn serve(dir: &Path, server: &GitHttp, more: &str) -> StoaProcess {
    let config = format!(
        "upstream = \"direct\"\n[vcs]\ncache = \"{}\"\n{more}\n[[rewrite]]\nfrom = \"https://git.example/\"\nto = \"{}/\"\n",
        dir.join("vcs").display(),
        server.url()
    );
    fs::write(dir.join("stoa.toml"), config).unwrap();
    StoaProcess::command(STOA)
        .storage(&dir.join("storage"))
        .args(&["--config", dir.join("stoa.toml").to_str().unwrap()])
        .start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tags_delay_nobody_else_and_too_many_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    tagged(dir.path(), 60_000, &[]);
    let server = GitHttp::start(&dir.path().join("srv"));
    let stoa = serve(dir.path(), &server, "");
    let list = async { get(&stoa, "/git.example/r.git/@v/list").await };
    let (slowest, asked, answer) = slowest_health(&stoa, list).await;
    println!("the slowest of {asked} questions for its health took {slowest:?}");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.text().lines().count(), 60_000);
    assert_eq!(answer.text().lines().next_back(), Some("v1.60000.0"));
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let latest = get(&stoa, "/git.example/r.git/@latest").await;
    assert!(
        latest.text().contains("\"Version\":\"v1.60000.0\""),
        "{}",
        latest.text()
    );
    drop(stoa);

    let stoa = serve(dir.path(), &server, "max_refs = 50000");
    for path in ["@v/list", "@latest", "@v/main.info"] {
        let answer = get(&stoa, &format!("/git.example/r.git/{path}")).await;
        assert_error(
            path,
            &answer,
            502,
            "more branches and tags than 50000 (vcs.max_refs)",
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refs_of_many_repositories_have_one_bound() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..16).map(|number| format!("r{number}.git")).collect();
    tagged(dir.path(), 60_000, &names);
    let server = GitHttp::start(&dir.path().join("srv"));
    let stoa = serve(dir.path(), &server, "memory = \"8MiB\"");
    let idle = stoa.rss_bytes();
    for name in &names {
        // What has no such version has all refs looked through, and no list that is kept elsewhere.
        let url = format!("{}/git.example/{name}/@v/nobody.info", stoa.url());
        let answer = http::get(&url).await.unwrap();
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
    let grown = stoa.rss_bytes().saturating_sub(idle) >> 20;
    println!("{} repositories took {grown} MiB", names.len());
    assert!(grown < 64, "{grown} MiB");
}
