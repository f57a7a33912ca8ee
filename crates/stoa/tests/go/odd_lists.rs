//! What the go command makes of odd upstreams: the same with stoa in between.

use std::collections::BTreeMap;

use serde_json::Value;
use stoa_testing::go::GoClient;
use stoa_testing::process::StoaProcess;
use stoa_testing::upstream::Upstream;
use tempfile::TempDir;

use crate::fetch::values;
use crate::odd_upstreams::{NEW, OLD, Odd, not_canonical, odd_upstreams};
use crate::support::STOA;

/// What is asked of each module at once, so that one go command asks about all of them.
const QUERIES: &[&str] = &[
    "latest",
    "upgrade",
    "patch",
    "<v2.0.0",
    "<=v1.1.0",
    ">=v1.0.0",
    "v0",
    "v1",
    "v1.0.0",
    "v1.1.0",
    "v2.0.0",
    "v1.0.0+meta",
    "main",
    OLD,
    NEW,
];

/// The answers by question.
type Answers = BTreeMap<String, String>;

/// A module as the go command prints it, without what names files; of an error, its first line and the status behind it,
/// as a server says more in its own words.
fn shown(mut module: Value, goproxy: &str) -> String {
    let fields = module.as_object_mut().unwrap();
    let mut error = fields.remove("Error").unwrap_or_default();
    if let Value::Object(fields) = &mut error {
        error = fields.remove("Err").unwrap_or_default();
    }
    if let Some(error) = error.as_str() {
        return class(error, goproxy);
    }
    for name in ["Info", "GoMod", "Zip", "Dir"] {
        fields.remove(name);
    }
    module.to_string()
}

/// What kind of failure it is. A file that is not there and a server that has it not are one, and so are a server that fails
/// and an answer that cannot be one: for what the go command refuses of it, stoa answers 502.
fn class(error: &str, goproxy: &str) -> String {
    let error = error.replace(goproxy, "PROXY");
    let has = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if has(&["no matching versions for query"]) {
        return "NOTHING MATCHES".to_owned();
    }
    if has(&[": 404 ", ": 410 ", "no such file or directory"]) {
        return "MISSING".to_owned();
    }
    if has(&[
        ": 403 ",
        ": 50",
        "invalid response from proxy",
        "instead of requested version",
    ]) {
        return "FAILED".to_owned();
    }
    error.lines().next().unwrap_or_default().to_owned()
}

/// Asks all about all modules, each command with a client that knows nothing, and a proxy that `start` gives.
fn ask(odd: &[Odd], start: &dyn Fn() -> (String, Option<(StoaProcess, TempDir)>)) -> Answers {
    let mut answers = Answers::new();
    let paths: Vec<_> = odd.iter().map(|odd| odd.path.clone()).collect();
    let mut list = |what: &str, flags: &[&str], modules: Vec<String>| {
        let (goproxy, _running) = start();
        let go = GoClient::new(&goproxy);
        go.write("go.mod", "module example.com/app\n\ngo 1.24\n");
        let modules: Vec<_> = modules.iter().map(String::as_str).collect();
        let output = go.run(&[flags, &modules].concat());
        let printed = values(&output.stdout);
        assert_eq!(printed.len(), modules.len(), "{what}: {}", output.stderr);
        for (module, asked) in printed.into_iter().zip(modules) {
            answers.insert(format!("{what} {asked}"), shown(module, &goproxy));
        }
    };
    list(
        "versions",
        &["list", "-m", "-e", "-json", "-versions"],
        paths.clone(),
    );
    for query in QUERIES {
        let modules = paths.iter().map(|path| format!("{path}@{query}"));
        list("query", &["list", "-m", "-e", "-json"], modules.collect());
    }
    let versions = odd.iter().flat_map(|odd| &odd.versions);
    let modules: Vec<_> = versions
        .map(|one| format!("{}@{}", one.path(), one.version()))
        .collect();
    list("download", &["mod", "download", "-json"], modules);
    let modules = paths.iter().map(|path| format!("{path}@latest"));
    list("download", &["mod", "download", "-json"], modules.collect());
    // What is stored of one of them is nothing to another.
    let (goproxy, _running) = start();
    for path in &paths {
        let go = GoClient::new(&goproxy);
        go.write("go.mod", "module example.com/app\n\ngo 1.24\n");
        let output = go.run(&["get", &format!("{path}@latest")]);
        let got = if output.success() {
            go.read("go.mod") + &go.read("go.sum")
        } else {
            let lines = output.stderr.lines().filter(|line| line.starts_with("go: "));
            let failures = lines.filter(|line| !line.starts_with("go: downloading"));
            failures
                .map(|line| class(line, &goproxy))
                .collect::<Vec<_>>()
                .join("\n")
        };
        answers.insert(format!("get {path}"), got);
    }
    answers
}

/// What differs, as it prints.
fn differences(direct: &Answers, ours: &Answers) -> Vec<String> {
    assert_eq!(direct.len(), ours.len());
    let pairs = direct.iter().map(|(asked, want)| (asked, want, &ours[asked]));
    let differ = pairs.filter(|(_, want, got)| want != got);
    differ
        .map(|(asked, want, got)| format!("{asked}\n   by itself: {want}\n   with stoa: {got}"))
        .collect()
}

/// Asks `upstream` by itself and through a stoa that is new for each command.
fn compare(odd: &[Odd], upstream: &str) -> (Answers, Answers) {
    let direct = ask(odd, &|| (upstream.to_owned(), None));
    let ours = ask(odd, &|| {
        let directory = tempfile::tempdir().unwrap();
        let stoa = StoaProcess::command(STOA)
            .storage(directory.path())
            .upstream(upstream)
            .start();
        (stoa.url().to_owned(), Some((stoa, directory)))
    });
    (direct, ours)
}

fn served(odd: &[Odd]) -> Upstream {
    let upstream = Upstream::start_blocking();
    for odd in odd {
        odd.publish(&upstream);
    }
    upstream
}

#[test]
fn odd_servers_mean_the_same_through_stoa() {
    let odd = odd_upstreams();
    let upstream = served(&odd);
    let (direct, ours) = compare(&odd, &upstream.url());
    let differ = differences(&direct, &ours);
    println!(
        "{} upstreams, {} answers, {} differ",
        odd.len(),
        direct.len(),
        differ.len()
    );
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    let newest = &ours["query example.com/pseudo404@latest"];
    assert!(newest.contains(NEW), "{newest}");
}

#[test]
fn odd_directories_mean_the_same_through_stoa() {
    let odd: Vec<_> = odd_upstreams().into_iter().filter(Odd::is_tree).collect();
    let root = tempfile::tempdir().unwrap();
    for odd in &odd {
        odd.write(root.path());
    }
    let (direct, ours) = compare(&odd, &format!("file://{}", root.path().display()));
    let differ = differences(&direct, &ours);
    println!(
        "{} upstreams, {} answers, {} differ",
        odd.len(),
        direct.len(),
        differ.len()
    );
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// What is left out of lists is never chosen: `v2.0.0` could not be used, `v1.1.0+meta` may be anything. Each of these is
/// said in `docs/reference/deviations.md`.
#[test]
fn what_is_left_out_of_lists_is_not_chosen() {
    let odd = not_canonical();
    let upstream = served(&odd);
    let (direct, ours) = compare(&odd, &upstream.url());
    let both = |asked: &str| (direct[asked].clone(), ours[asked].clone());
    for (asked, by_itself, with_stoa) in [
        (
            "versions example.com/twice",
            r#"["v1.0.0","v1.0.0","v1.1.0"]"#,
            r#"["v1.0.0","v1.1.0"]"#,
        ),
        (
            "versions example.com/majors",
            r#"["v1.0.0","v2.0.0"]"#,
            r#"["v1.0.0"]"#,
        ),
        (
            "download example.com/majors@latest",
            "should be v0 or v1, not v2",
            "\"v1.0.0\"",
        ),
        (
            "download example.com/majors/v2@latest",
            "should be v2, not v3",
            "\"v2.0.0\"",
        ),
        (
            "download example.com/majors@v2.0.0",
            "should be v0 or v1, not v2",
            "FAILED",
        ),
        (
            "download example.com/onlymajors@latest",
            "should be v0 or v1, not v2",
            "NOTHING MATCHES",
        ),
        ("query example.com/metas@latest", NEW, "\"v1.0.0\""),
        ("query example.com/shorthands@>=v1.0.0", "MISSING", "\"v1.0.0\""),
        ("query example.com/onlyshort@v1", "\"v1.2.0\"", "NOTHING MATCHES"),
        ("query example.com/onlyshort@latest", "\"v1.2.0\"", "\"v1.2.0\""),
    ] {
        let (want, got) = both(asked);
        assert!(
            want.contains(by_itself) && got.contains(with_stoa),
            "{asked}\n{want}\n{got}"
        );
    }
    for same in [
        "download example.com/onlyshort@latest",
        "get example.com/onlyshort",
    ] {
        assert_eq!(direct[same], ours[same], "{same}");
    }
}

/// A version that was asked for by name is one of the list from then on, and so may be chosen.
#[test]
fn what_is_stored_may_be_chosen() {
    let odd = [
        Odd::new("unlisted").list("").has(&["v1.0.0"]),
        // A pseudo-version is in no list, also when it is stored.
        Odd::new("unlistedpseudo").list("").has(&[NEW]),
    ];
    let upstream = served(&odd);
    let directory = tempfile::tempdir().unwrap();
    let stoa = StoaProcess::command(STOA)
        .storage(directory.path())
        .upstream(&upstream.url())
        .start();
    let query = |goproxy: &str, path: &str| {
        let go = GoClient::new(goproxy);
        go.write("go.mod", "module example.com/app\n\ngo 1.24\n");
        let output = go.run(&["list", "-m", "-e", "-json", &format!("{path}@latest")]);
        shown(values(&output.stdout).remove(0), goproxy)
    };
    for odd in &odd {
        let version = &odd.versions[0];
        let module = format!("{}@{}", version.path(), version.version());
        let _ = GoClient::new(stoa.url())
            .run(&["mod", "download", &module])
            .expect_success();
        assert_eq!(query(&upstream.url(), &odd.path), "NOTHING MATCHES");
        let got = query(stoa.url(), &odd.path);
        assert!(got.contains(version.version()), "{got}");
    }
}
