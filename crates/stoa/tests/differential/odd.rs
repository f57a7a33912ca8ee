//! Commits and trees that no git makes, asked of cmd/go and of stoa: what one refuses the other refuses.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use stoa_testing::http;
use stoa_testing::zip::{h1, unzip};
use tempfile::TempDir;

use crate::oracle::Oracle;
use crate::questions::Questions;

/// A name beside the go.mod, its mode, and the rest of the committer line.
const CASES: [(&str, &str, &str, Outcome); 16] = [
    ("a.go", "100644", "1577836800 +0000", Outcome::Served),
    (".git", "100644", "1577836800 +0000", Outcome::NoZip),
    (".GIT", "40000", "1577836800 +0000", Outcome::NoZip),
    ("git~1", "160000", "1577836800 +0000", Outcome::NoZip),
    ("..", "40000", "1577836800 +0000", Outcome::NoZip),
    ("a\\.git", "100644", "1577836800 +0000", Outcome::NoZip),
    (".gitmodules", "120000", "1577836800 +0000", Outcome::NoZip),
    (".gitmodules", "100644", "1577836800 +0000", Outcome::Served),
    ("gitmod~5", "120000", "1577836800 +0000", Outcome::Served),
    ("b.go", "100600", "1577836800 +0000", Outcome::Served),
    ("m", "20000", "1577836800 +0000", Outcome::Served),
    ("a.go", "100644", "1577836800", Outcome::Nothing),
    ("a.go", "100644", "-5 +0000", Outcome::Nothing),
    ("a.go", "100644", "", Outcome::Nothing),
    ("a.go", "100644", "99999999999999999999 +0000", Outcome::Nothing),
    ("a.go", "100644", "0001577836800 -9999", Outcome::Served),
];

/// What there is of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Served,
    /// A version without a zip.
    NoZip,
    Nothing,
}

fn put(folder: &Path, kind: &str, content: &[u8]) -> String {
    let mut child = Command::new("git")
        .args(["hash-object", "-w", "--literally", "-t", kind, "--stdin"])
        .env("GIT_DIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn tree(folder: &Path, entries: &[(&str, &str, &str)]) -> String {
    let mut bytes = Vec::new();
    for (mode, name, hash) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        let pairs = hash
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap());
        bytes.extend(pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
    }
    put(folder, "tree", &bytes)
}

/// Makes the repository of a case, with the tag v1.0.0.
fn make(served: &Path, repository: &str, (name, mode, time, _): (&str, &str, &str, Outcome)) {
    let folder = served.join(repository);
    let made = Command::new("git")
        .args(["init", "-q", "--bare", "-b", "main"])
        .arg(&folder)
        .status();
    assert!(made.unwrap().success());
    let go_mod = put(
        &folder,
        "blob",
        format!("module example.com/{repository}.git\n").as_bytes(),
    );
    let file = put(&folder, "blob", b"package a\n");
    let below = tree(&folder, &[("100644", "f.go", &file)]);
    let odd = (mode, name, if mode == "40000" { &*below } else { &*file });
    let mut entries = [("100644", "go.mod", &*go_mod), odd];
    entries.sort_by_key(|(_, name, _)| *name);
    let tree = tree(&folder, &entries);
    let commit = format!("tree {tree}\nauthor A <a@e> 1 +0000\ncommitter C <c@e> {time}\n\nm\n");
    let commit = put(&folder, "commit", commit.as_bytes());
    fs::write(folder.join("refs/tags/v1.0.0"), format!("{commit}\n")).unwrap();
}

#[tokio::test]
async fn what_the_go_command_refuses_is_refused() {
    let folder = TempDir::new().unwrap();
    let served = folder.path().join("served");
    fs::create_dir(&served).unwrap();
    for (at, case) in CASES.into_iter().enumerate() {
        make(&served, &format!("odd{at}"), case);
    }
    let oracle = Oracle::start(&served, folder.path());
    let server = oracle.server();
    let stoa = crate::run::stoa(folder.path(), &server, &[]);
    for (at, case) in CASES.into_iter().enumerate() {
        let path = format!("example.com/odd{at}.git");
        let questions = Questions {
            url: format!("{server}/odd{at}"),
            root: path.clone(),
            subdir: String::new(),
            path: path.clone(),
            queries: vec!["v1.0.0".to_owned()],
            fresh: true,
            content: 1,
        };
        let go = oracle.ask(&questions).await.remove(0);
        let outcome = match (&go.info, &go.zip) {
            (None, _) => Outcome::Nothing,
            (Some(_), None) => Outcome::NoZip,
            (Some(_), Some(_)) => Outcome::Served,
        };
        assert_eq!(outcome, case.3, "{case:?}: go says {go:?}");
        for (file, is_served) in [
            ("v1.0.0.info", outcome != Outcome::Nothing),
            ("v1.0.0.mod", outcome != Outcome::Nothing),
            ("v1.0.0.zip", outcome == Outcome::Served),
        ] {
            let got = http::get(&format!("{}/{path}/@v/{file}", stoa.url()))
                .await
                .unwrap();
            let status = if is_served { 200 } else { 404 };
            assert_eq!(got.status, status, "{case:?} {file}: {}", got.text());
            match (&go.zip, file) {
                (Some(zip), "v1.0.0.zip") => assert_eq!(h1(&unzip(&got.body)), zip.h1, "{case:?}"),
                (_, "v1.0.0.mod") if is_served => assert_eq!(Some(got.body.to_vec()), go.go_mod),
                (None, "v1.0.0.zip") if outcome == Outcome::NoZip => {
                    assert!(got.text().contains("invalid path"), "{}", got.text());
                }
                (None, "v1.0.0.info") if !is_served => {
                    assert!(got.text().contains("its "), "{}", got.text());
                }
                _ => {}
            }
        }
    }
    drop(stoa);
}
