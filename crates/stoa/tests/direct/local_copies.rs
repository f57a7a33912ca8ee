//! What reading a git repository costs, seen from outside: bytes that its server sends, and stoa's own counts.

use std::fs;
use std::path::Path;
use std::process::Command;

use stoa_testing::git_http::GitHttp;
use stoa_testing::http;
use stoa_testing::process::{StoaProcess, run};
use tempfile::TempDir;

use crate::STOA;

/// Twenty versions of a module with files that do not compress, 200 kB each at the beginning; each changes a little.
const SCRIPT: &str = r#"
noise() { head -c 200000 /dev/urandom | base64 -w 0; }
git init -q -b main work; cd work
printf 'module git.example/r.git\n\ngo 1.21\n' > go.mod
mkdir deep; for i in 1 2 3 4 5; do noise > deep/$i.txt; done
for i in $(seq 0 19); do
  echo $i > deep/changes.txt; git add -A; git commit -q -m "$i"; git tag -a -m "$i" v1.$i.0
done
cd ..; git clone -q --mirror work srv/r.git; git -C srv/r.git config uploadpack.allowFilter true
"#;

/// What the files of one version compress to, at the least.
const FILES: usize = 900_000;

struct Scene {
    dir: TempDir,
    server: GitHttp,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("bash")
            .args(["-euc", SCRIPT])
            .current_dir(dir.path())
            .envs([
                ("HOME", dir.path().to_str().unwrap()),
                ("GIT_CONFIG_NOSYSTEM", "1"),
            ])
            .envs(["GIT_AUTHOR", "GIT_COMMITTER"].map(|who| (format!("{who}_NAME"), "A")))
            .envs(["GIT_AUTHOR", "GIT_COMMITTER"].map(|who| (format!("{who}_EMAIL"), "a@git.example")))
            .status();
        assert!(made.unwrap().success());
        let server = GitHttp::start(&dir.path().join("srv"));
        let config = format!(
            "upstream = \"direct\"\n[vcs]\ncache = \"{}\"\n[[rewrite]]\nfrom = \"https://git.example/\"\nto = \"{}/\"\n",
            dir.path().join("vcs").display(),
            server.url()
        );
        fs::write(dir.path().join("stoa.toml"), config).unwrap();
        Self { dir, server }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn serve(&self) -> StoaProcess {
        StoaProcess::command(STOA)
            .storage(Path::new(&self.path("storage")))
            .args(&["--config", &self.path("stoa.toml")])
            .start()
    }
}

async fn get(stoa: &StoaProcess, rest: &str) -> http::Response {
    http::get(&format!("{}/git.example/r.git{rest}", stoa.url()))
        .await
        .unwrap()
}

/// What stoa says it ran for git, by kind.
async fn count(stoa: &StoaProcess, kind: &str) -> u64 {
    let answer = http::get(&format!("{}/metrics", stoa.url())).await.unwrap();
    let text = answer.text();
    let line = format!("stoa_vcs_commands_total{{vcs=\"git\",kind=\"{kind}\"}} ");
    let found = text.lines().find_map(|l| l.strip_prefix(&line));
    found.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_tags_are_one_clone_and_deltas() {
    let scene = Scene::new();
    let stoa = scene.serve();
    let mut sent = Vec::new();
    for i in 0..20 {
        scene.server.clear();
        for part in ["info", "mod", "zip"] {
            assert_eq!(get(&stoa, &format!("/@v/v1.{i}.0.{part}")).await.status, 200);
        }
        sent.push(scene.server.sent());
    }
    println!("bytes of each tag: {sent:?}");
    assert!(sent[0] > FILES, "the first brings all files");
    assert!(
        sent[1..].iter().all(|sent| *sent < 5_000),
        "the others bring what changed: {sent:?}"
    );
    assert_eq!(count(&stoa, "clone").await, 1);
    assert_eq!(count(&stoa, "fetch").await, 20, "one commit for three questions");
    // One list of refs for each ten seconds.
    assert!(count(&stoa, "ls-remote").await < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mod_moves_no_files_but_its_own() {
    let scene = Scene::new();
    let stoa = scene.serve();
    let answer = get(&stoa, "/@v/v1.3.0.mod").await;
    assert_eq!(
        (answer.status, answer.text()),
        (200, "module git.example/r.git\n\ngo 1.21\n")
    );
    let objects = scene
        .server
        .seen()
        .iter()
        .filter(|seen| seen.body.windows(13).any(|part| part == b"command=fetch"))
        .count();
    println!("{} bytes in {objects} fetches for a .mod", scene.server.sent());
    assert!(scene.server.sent() < 5_000);
    assert_eq!(objects, 2, "the commit with its trees, and go.mod");
    assert_eq!(get(&stoa, "/@v/v1.3.0.zip").await.status, 200);
    assert!(scene.server.sent() > FILES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_costs_no_clone() {
    let scene = Scene::new();
    let stoa = scene.serve();
    for question in [
        "/nowhere/@v/v1.0.0.info",
        "/nowhere/@v/v1.0.0.mod",
        "/nowhere/@v/v1.0.0.zip",
    ] {
        assert_eq!(get(&stoa, question).await.status, 404, "{question}");
    }
    assert_eq!(get(&stoa, "/nowhere/@v/list").await.text(), "");
    assert_eq!((count(&stoa, "clone").await, count(&stoa, "fetch").await), (0, 0));
    // Whether the newest commit has it is to be seen in its trees.
    assert_eq!(get(&stoa, "/nowhere/@latest").await.status, 404);
    println!("{} bytes for a folder that is not there", scene.server.sent());
    // A list of branches and tags for each question: none is answered "not found" from what was known before it.
    assert!(scene.server.sent() < 13_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_beside_a_server_shares_its_cache_folder() {
    let scene = Scene::new();
    let stoa = scene.serve();
    assert_eq!(get(&stoa, "/@v/v1.0.0.zip").await.status, 200);
    let (config, storage) = (scene.path("stoa.toml"), scene.path("other"));
    let args = [
        "fetch",
        "--config",
        &config,
        "--storage",
        &storage,
        "git.example/r.git@v1.1.0",
    ]
    .map(str::to_owned);
    let fetched = tokio::task::spawn_blocking(move || run(STOA, &args.each_ref().map(String::as_str), &[]))
        .await
        .unwrap();
    assert_eq!(fetched.code, Some(0), "{fetched:?}");
    let left = fs::read_dir(scene.dir.path().join("vcs/private"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "what it fetched for itself is gone");
    // The server still has its own.
    assert_eq!(get(&stoa, "/@v/v1.2.0.zip").await.status, 200);
    assert_eq!(count(&stoa, "clone").await, 1);
}
