//! What is wrong is said by its own name, with the status of its meaning: the table of docs/reference/http.md, row by row.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use stoa_testing::git_http::{Fault, GitHttp, Manner};
use stoa_testing::http;
use stoa_testing::process::StoaProcess;

use crate::STOA;

/// Repositories, each with one thing wrong: `work.sh` of the folder makes bare ones below `srv`.
const REPOSITORIES: &str = r#"
set -e
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'
make() { git init -q -b main "$1"; cd "$1"; printf 'module git.example/%s\n' "$1" > go.mod; git add -A; git commit -qm 1; }
serve() { git tag v1.0.0 2>/dev/null || true; git clone -q --mirror . "../srv/$1.git"; cd ..; }

make good; serve good
make late; serve late
make blob; git tag v1.0.0 "$(git rev-parse main:go.mod)"; serve blob
make twins; blob=$(echo x | git hash-object -w --stdin)
printf '100644 blob %s\tREADME\n100644 blob %s\treadme\n100644 blob %s\tgo.mod\n' $blob $blob $(git rev-parse main:go.mod) | git mktree > ../tree
git update-ref refs/heads/main $(git commit-tree -m 2 $(cat ../tree)); git tag v1.0.0 main; serve twins
make names; mkdir 'a*b'; echo x > 'a*b/c.go'; git add -A; git commit -qm 2; serve names
make commit; printf 'tree %s\nauthor nobody\ncommitter nobody\n\nx\n' $(git rev-parse main:) > ../raw
git tag v1.0.0 $(git hash-object -t commit -w --literally ../raw); serve commit
make pruned; git tag v0.9.0; echo 2 > two; git add -A; git commit -qm 2; git tag v1.0.0
git clone -q --bare --depth 1 --branch v1.0.0 "file://$PWD" ../srv/pruned.git; git rev-parse v0.9.0 > ../srv/pruned.commit; cd ..
make lost; serve lost; rm -r srv/lost.git/objects/pack srv/lost.git/objects/??
"#;

/// A module, a file of it, and what is answered: the status, and words of the text.
type Row = (&'static str, &'static str, u16, &'static [&'static str]);

const ROWS: &[Row] = &[
    ("good", "@v/v1.0.0.info", 200, &[]),
    ("good", "@v/v1.0.1.info", 404, &["unknown revision v1.0.1"]),
    ("missing", "@v/list", 404, &["missing.git", "not found"]),
    ("good/sub", "@v/v1.0.0.info", 404, &["sub/v1.0.0"]),
    (
        "blob",
        "@v/v1.0.0.info",
        404,
        &["refs/tags/v1.0.0 names a file and no commit"],
    ),
    ("commit", "@v/v1.0.0.info", 404, &["commit"]),
    ("twins", "@v/v1.0.0.zip", 404, &["README", "readme", "case"]),
    ("names", "@v/v1.0.0.zip", 404, &["a*b/c.go"]),
    ("pruned", "@v/v1.0.0.info", 200, &[]),
    ("pruned", "@v/v0.9.0.info", 404, &["unknown revision v0.9.0"]),
    ("lost", "@v/v1.0.0.info", 502, &["could not be read"]),
    (
        "guarded",
        "@v/list",
        502,
        &["it wants a user, and no credential is for it: "],
    ),
    ("closed", "@v/list", 502, &["127.0.0.1", "is unreachable"]),
    ("garbage", "@v/list", 502, &["127.0.0.1", "could not be read"]),
];

fn sh(folder: &Path, script: &str) {
    let ran = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
        .envs([
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@example.com"),
        ])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A server that answers whatever comes with what is no HTTP.
fn garbage() -> String {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_said_by_its_own_name() {
    let dir = stoa_testing::scene::private_directory();
    fs::create_dir(dir.path().join("srv")).unwrap();
    sh(dir.path(), REPOSITORIES);
    let server = GitHttp::start(&dir.path().join("srv"));
    let guarded = GitHttp::start(&dir.path().join("srv"));
    guarded.guard("Basic c29tZWJvZHk6ZWxzZQ==");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = format!(
        "upstream = \"direct\"\n[vcs]\ncache = \"{}\"\n",
        dir.path().join("vcs").display()
    );
    for name in [
        "good", "guarded", "late", "missing", "blob", "commit", "twins", "names", "pruned", "lost", "closed",
        "garbage",
    ] {
        let url = match name {
            "guarded" => guarded.url(),
            "closed" => format!("http://{closed}"),
            "garbage" => garbage(),
            _ => server.url(),
        };
        writeln!(
            config,
            "[[vcs.module]]\nprefix = \"git.example/{name}\"\nvcs = \"git\"\nrepo = \"{url}/{name}.git\""
        )
        .unwrap();
    }
    fs::write(dir.path().join("stoa.toml"), config).unwrap();
    let stoa = StoaProcess::command(STOA)
        .storage(&dir.path().join("storage"))
        .args(&["--config", dir.path().join("stoa.toml").to_str().unwrap()])
        .start();
    let ask = async |path: &str| {
        http::get(&format!("{}/git.example/{path}", stoa.url()))
            .await
            .unwrap()
    };
    let mut faults = Vec::new();
    let mut check = |path: &str, answer: &http::Response, status: u16, words: &[&str]| {
        let text = answer.text();
        println!(
            "{} {path}: {}",
            answer.status,
            if answer.status == 200 { "" } else { text.trim_end() }
        );
        let is_inward = text.contains("cat-file") || text.contains(dir.path().to_str().unwrap());
        if answer.status != status || is_inward || !words.iter().all(|word| text.contains(word)) {
            faults.push(format!(
                "{path}: {} {text:?}, wanted {status} with {words:?}",
                answer.status
            ));
        }
    };
    for (module, file, status, words) in ROWS {
        let path = format!("{module}/{file}");
        check(&path, &ask(&path).await, *status, words);
    }
    let commit = fs::read_to_string(dir.path().join("srv/pruned.commit")).unwrap();
    let path = format!("pruned/@v/v0.0.0-20240102030405-{}.info", &commit[..12]);
    check(
        &path,
        &ask(&path).await,
        404,
        &["unknown revision", &commit[..12]],
    );
    server.clear();
    server.set(Manner::Fault(0, Fault::Break(40)));
    // A connection that breaks off is said to be one in the log, and asked for again.
    check("late/@latest", &ask("late/@latest").await, 200, &["v1.0.0"]);
    stoa.wait_for_log("late.git broke off: ");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
