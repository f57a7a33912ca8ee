//! What the commands for jobs print.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use stoa_testing::content::Content;
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::STOA;
use crate::scene::{Scene, module};

/// The program with these arguments and the server of the scene, in an environment of its own.
fn command(scene: &Scene, program: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new(program[0]);
    command
        .args(&program[1..])
        .args(arguments)
        .args(["--server", scene.stoa.url(), "--token-file"])
        .arg(scene.stoa.admin_token_file().unwrap())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("STOA_STORAGE", "memory:")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a shell command on a terminal of its own, presses Ctrl-C as soon as what it has shown is `enough`, and returns its exit
/// code and everything that it has shown.
fn on_a_terminal(inner: &str, colours: bool, enough: fn(&str) -> bool) -> (Option<i32>, String) {
    let mut script = Command::new("script");
    script
        .args(["-qec", inner, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TERM", "xterm-256color")
        .env("STOA_STORAGE", "memory:")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if !colours {
        script.env("NO_COLOR", "1");
    }
    let mut child = script.spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take(), child.stdout.take().unwrap());
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let shown = loop {
        let read = screen.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        if read == 0 {
            break shown;
        }
        if enough(&shown)
            && let Some(mut keyboard) = keyboard.take()
        {
            keyboard.write_all(b"\x03").unwrap();
        }
    };
    (child.wait().unwrap().code(), shown)
}

/// Whether the total is there, and the line of a file of which a part has come.
fn shows_bars(shown: &str) -> bool {
    let mut lines = shown.split(['\r', '\n']);
    shown.contains("1/2 done, ")
        && lines.any(|line| line.contains("example.com/b@v1.0.0") && line.contains("MiB/3.00 MiB"))
}

/// A text whose times are `Ns`.
fn timeless(text: &str) -> String {
    let (head, time) = text.trim_end().rsplit_once(" in ").unwrap();
    assert!(time.ends_with('s'), "{text}");
    format!("{head} in Ns\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefetch_without_a_terminal_prints_plain_lines() {
    let scene = Scene::of(&[module("a"), module("b")]);
    let bytes = module("a").zip().len() + module("b").zip().len();
    let file = scene.file("list", "example.com/a@v1.0.0\nexample.com/b@v1.0.0\n");
    let prefetch = scene.command(&["prefetch", &file]);
    assert_eq!(prefetch.code, Some(0), "{prefetch:?}");
    let id = prefetch.stdout.split(' ').next().unwrap();
    assert_eq!(prefetch.stdout, format!("{id}  ok         {file} (2 modules)\n"));
    let last = prefetch.stderr.lines().last().unwrap();
    assert_eq!(
        timeless(last),
        format!("{file} (2 modules): 2 of 2 done, {bytes} B in Ns\n")
    );
    assert!(!prefetch.stderr.contains('\u{1b}'), "{prefetch:?}");
    let quiet = scene.command(&["prefetch", "--quiet", "example.com/a"]);
    let id = quiet.stdout.split(' ').next().unwrap();
    assert_eq!(
        (quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()),
        (
            Some(0),
            format!("{id}  ok         example.com/a@latest\n").as_str(),
            ""
        )
    );
    let one = scene.file("one", "example.com/none@v1.0.0\n");
    let failed = scene.command(&["prefetch", &one]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(
        failed
            .stdout
            .contains("(1 module)  1 of 1 module could not be brought in;"),
        "{failed:?}"
    );
}

/// A list of two modules, of which the zip of one stops after its first mebibyte of three.
fn with_half_a_zip() -> (Scene, Gate, String) {
    let scene = Scene::of(&[module("a"), module("b")]);
    let gate = Gate::new();
    let reply = Reply::Gated {
        body: Content::random(3 << 20, 7),
        send_first: 1 << 20,
        gate: gate.clone(),
    };
    scene.upstream.on("/example.com/b/@v/v1.0.0.zip", reply);
    let file = scene.file("list", "example.com/a@v1.0.0\nexample.com/b@v1.0.0\n");
    (scene, gate, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_sees_bars_and_who_interrupts_is_told_how_to_go_on() {
    let (scene, gate, file) = with_half_a_zip();
    for colours in [true, false] {
        let inner = format!(
            "stty cols 100; exec {STOA} prefetch {file} --server {} --token-file {}",
            scene.stoa.url(),
            scene.stoa.admin_token_file().unwrap().display()
        );
        let watched = tokio::task::spawn_blocking(move || on_a_terminal(&inner, colours, shows_bars));
        let watched = tokio::time::timeout(Duration::from_secs(60), watched).await;
        let (code, shown) = watched.expect("bars").unwrap();
        assert_eq!(code, Some(130), "{shown}");
        assert!(shows_bars(&shown), "{shown}");
        assert_eq!(shown.contains("\u{1b}[32m"), colours, "{shown}");
        let told = "stoa: the job goes on without you; to wait again:\r\nstoa: stoa jobs wait ";
        assert!(shown.contains(told), "{shown}");
    }
    gate.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_leaves_the_job_running() {
    let scene = Scene::of(&[module("a")]);
    let gate = Gate::new();
    let held = Reply::ok(module("a").zip()).held(&gate);
    scene.upstream.on("/example.com/a/@v/v1.0.0.zip", held);
    let child = command(&scene, &[STOA], &["prefetch", "example.com/a@v1.0.0"])
        .spawn()
        .unwrap();
    // What asks the upstream has been accepted, so the command watches, or is about to.
    gate.reached(1).await;
    let kill = Command::new("/bin/sh")
        .args(["-c", &format!("kill -s INT {}", child.id())])
        .status()
        .unwrap();
    assert!(kill.success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(130), 0),
        "{stderr}"
    );
    let again = stderr.lines().last().unwrap();
    let id = again
        .strip_prefix("stoa: stoa jobs wait ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap();
    let token = scene.stoa.admin_token_file().unwrap();
    let want = format!(
        "stoa: the job goes on without you; to wait again:\nstoa: stoa jobs wait {id} --server {} --token-file {}\n",
        scene.stoa.url(),
        token.display()
    );
    assert_eq!(stderr, want);
    let (_, job) = scene.api("GET", &format!("jobs/{id}?wait=10ms"), "").await;
    assert_eq!(job["state"], "running", "{job}");
    gate.release();
    let wait = scene.command(&["jobs", "wait", id]);
    assert_eq!(
        (wait.code, wait.stdout),
        (Some(0), format!("{id}  ok         example.com/a@v1.0.0\n"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_shown_with_its_children_that_run_and_their_bytes() {
    let (scene, gate, file) = with_half_a_zip();
    let detached = scene.command(&["prefetch", "--detach", &file]);
    let id = detached.stdout.split(' ').next().unwrap().to_owned();
    gate.reached(1).await;
    let bytes = module("a").zip().len();
    let mut shown = serde_json::Value::Null;
    for _ in 0..20 {
        shown = scene
            .api("GET", &format!("jobs/{id}?wait=1s&running=4"), "")
            .await
            .1;
        let arrived = shown["running"][0]["progress"]["bytes"].as_u64();
        if shown["children"]["ok"] == 1 && arrived.is_some_and(|bytes| bytes > 0) {
            break;
        }
    }
    assert_eq!(
        (&shown["expects_children"], &shown["children"]["bytes"]),
        (&2.into(), &bytes.into()),
        "{shown}"
    );
    let running = shown["running"].as_array().unwrap();
    assert_eq!(running.len(), 1, "{shown}");
    assert_eq!(
        (
            running[0]["title"].as_str(),
            running[0]["progress"]["file"].as_str(),
            running[0]["progress"]["total"].as_u64()
        ),
        (Some("example.com/b@v1.0.0"), Some("zip"), Some(3 << 20)),
        "{shown}"
    );
    let (_, plain) = scene.api("GET", &format!("jobs/{id}"), "").await;
    assert!(plain["running"].is_null(), "{plain}");
    gate.release();
    drop(scene.ended(&id).await);
}

/// The ids with which the lines of an output begin.
fn ids(stdout: &str) -> Vec<&str> {
    stdout
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_are_added_with_what_is_expected_of_them() {
    let scene = Scene::of(&[]);
    let origin = scene.upstream.url();
    for name in ["/a", "/b"] {
        scene.upstream.file(name, "content");
    }
    let headers = scene.file("headers", "# of the origin\nAuthorization: Bearer secret\n");
    let (a, b) = (format!("{origin}/a"), format!("{origin}/b"));
    // The digest of "content".
    let digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    let one = scene.command(&[
        "jobs",
        "add",
        &a,
        "--sha256",
        digest,
        "--aggregation",
        "mine",
        "--header",
        "X-Kind: test",
        "--header-file",
        &headers,
        "--max-bytes",
        "7",
        "--mime-type",
        "text/*",
        "--priority",
        "2",
        "--wait",
        "--quiet",
    ]);
    let id = ids(&one.stdout).join("");
    assert_eq!(
        (one.code, one.stdout.as_str(), one.stderr.as_str()),
        (Some(0), format!("{id}  ok         {a}\n").as_str(), "")
    );
    let request = &scene.upstream.requests()[0];
    assert_eq!(
        (request.header("authorization"), request.header("x-kind")),
        (Some("Bearer secret"), Some("test"))
    );
    let (_, job) = scene.api("GET", &format!("jobs/{id}"), "").await;
    assert_eq!(
        (job["aggregation"].as_str(), job["priority"].as_u64()),
        (Some("url/mine"), Some(2)),
        "{job}"
    );
    let bad = scene.command(&["jobs", "add", &b, "--max-bytes", "3", "--wait", "--quiet"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.stdout.contains(&format!("  dead       {b}  ")), "{bad:?}");

    let mut child = command(&scene, &[STOA], &["jobs", "add", "--from", "-", "--json"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let text = format!("# two\n{a}?1\n\n  {a}?2\n");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let added: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(added["jobs"].as_array().unwrap().len(), 2, "{added}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_when_one_thing_is_wrong() {
    let scene = Scene::of(&[]);
    let file = scene.file("urls", "# two\nhttps://h.example/a\nftp://h.example/b\n");
    let headers = scene.file("headers", "X: 1\nBearer secret\n");
    let url = "https://h.example/a";
    for (arguments, says) in [
        (
            vec!["--from", file.as_str()],
            format!(
                "{file}: line 3: the scheme of the URL is ftp, and only http and https can be downloaded"
            ),
        ),
        (
            vec![url, "file"],
            "\"file\": it is no URL: relative URL without a base".to_owned(),
        ),
        (
            vec![url, "--header-file", headers.as_str()],
            format!("{headers}: line 2: write NAME: VALUE"),
        ),
        (
            vec![url, "--header", "Host: x"],
            "the header \"Host\" cannot be set by a job".to_owned(),
        ),
        (
            vec![url, "--sha256", "x"],
            "--sha256: a sha256 is 64 hexadecimal digits".to_owned(),
        ),
        (
            vec![url, "https://h.example/b", "--sha256", "x"],
            "--sha256 is for one URL, and there are 2".to_owned(),
        ),
        (
            vec![url, "--callback", "mailto:x"],
            "--callback: the scheme of the URL is mailto, and only http and https can be downloaded"
                .to_owned(),
        ),
    ] {
        let add = scene.command(&[&["jobs", "add"], arguments.as_slice()].concat());
        assert_eq!(
            (add.code, add.stdout.as_str(), add.stderr),
            (Some(64), "", format!("stoa: {says}\n"))
        );
    }
    assert_eq!(scene.command(&["jobs", "ls"]).stdout, "no jobs\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_filtered_paged_and_shown() {
    let scene = Scene::of(&[module("a"), module("b"), module("c")]);
    for name in ["a", "b", "c"] {
        let query = format!("example.com/{name}@v1.0.0");
        let prefetch = scene.command(&["prefetch", "--quiet", &query]);
        assert_eq!(prefetch.code, Some(0), "{prefetch:?}");
    }
    let all = scene.command(&["jobs", "ls"]).stdout;
    let all_ids = ids(&all);
    assert_eq!(all.lines().count(), 4, "{all}");
    let page = scene
        .command(&["jobs", "ls", "--limit", "2", "--kind", "module"])
        .stdout;
    let lines: Vec<_> = page.lines().collect();
    let cursor = lines[2].strip_prefix("more: --before ").unwrap();
    assert_eq!(lines[3], "3 ok");
    let rest = scene
        .command(&["jobs", "ls", "--limit", "2", "--before", cursor])
        .stdout;
    assert_eq!(
        rest,
        format!("{}  ok         example.com/a@v1.0.0\n3 ok\n", all_ids[2])
    );
    let none = scene
        .command(&["jobs", "ls", "--aggregation", "module/none"])
        .stdout;
    assert_eq!(none, "3 ok\n");
    let lines = scene.command(&["jobs", "ls", "--all", "--json"]).stdout;
    let found: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(found, all_ids[..3]);
    let shown = scene.command(&["jobs", "show", all_ids[2]]).stdout;
    let starts = format!(
        "id           {}\ntitle        example.com/a@v1.0.0\nstate        ok\n",
        all_ids[2]
    );
    assert!(shown.starts_with(&starts), "{shown}");
    assert!(shown.contains("\naggregation  module/example.com\n"), "{shown}");
    assert!(shown.contains("\n\nSTARTED "), "{shown}");
    let bytes = module("a").zip().len().to_string();
    let run: Vec<_> = shown.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(run[3..], ["ok", "-", "-", &bytes, "-"], "{shown}");
    let json = scene.command(&["jobs", "show", "--json", all_ids[2]]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["id"], all_ids[2]);
    let promote = scene.command(&["jobs", "promote", all_ids[2]]);
    let says = format!("stoa: 409 Conflict: job {} is ok: it does not wait\n", all_ids[2]);
    assert_eq!((promote.code, promote.stderr), (Some(1), says));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_set_shown_and_reset() {
    let scene = Scene::of(&[]);
    let key = "url/https://h.example/x";
    let set = scene.command(&["aggr", "set", key, "concurrency=2", "rate=10/s", "paused=true"]);
    let head =
        "AGGREGATION              RUNNING  READY  SCHEDULED  CONCURRENCY  RATE  WEIGHT  PAUSED  LIMITS\n";
    let row = |concurrency, rate, paused| {
        format!(
            "{head}{key}  0        0      0          {concurrency}            {rate:4}  1       {paused:6}  set\n"
        )
    };
    assert_eq!(
        (set.code, set.stdout.as_str(), set.stderr.as_str()),
        (Some(0), row(2, "10/s", "yes").as_str(), "")
    );
    let resumed = scene.command(&["aggr", "resume", key]).stdout;
    assert_eq!(resumed, row(2, "10/s", "no"));
    assert_eq!(
        scene.command(&["aggr", "set", key, "rate="]).stdout,
        row(2, "-", "no")
    );
    assert_eq!(scene.command(&["aggr", "pause", key]).stdout, row(2, "-", "yes"));
    assert_eq!(scene.command(&["aggr", "ls"]).stdout, row(2, "-", "yes"));
    let json = scene.command(&["aggr", "show", key, "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["paused"], &json["concurrency"]), (&true.into(), &2.into()));
    let reset = scene.command(&["aggr", "reset", key]);
    assert_eq!(
        (reset.code, reset.stdout.as_str(), reset.stderr.as_str()),
        (Some(0), "", "")
    );
    let gone = scene.command(&["aggr", "show", key]);
    let says =
        format!("stoa: 404 Not Found: the aggregation {key} has no jobs, and nobody has set its limits\n");
    assert_eq!((gone.code, gone.stderr), (Some(1), says));
    for (arguments, says) in [
        (
            ["set", "url/x", "concurrency=none"],
            "\"concurrency=none\": concurrency is a number from 1 up, as concurrency=4",
        ),
        (
            ["set", "x", "paused=true"],
            "\"x\": an aggregation is written KIND/NAME",
        ),
        (
            ["set", "url/x", "proxy=http://p"],
            "\"proxy=http://p\": this server passes no proxies of aggregations; set proxies for the whole server",
        ),
    ] {
        let refused = scene.command(&[&["aggr"], &arguments[..]].concat());
        assert_eq!(
            (refused.code, refused.stderr),
            (Some(64), format!("stoa: {says}\n"))
        );
    }
}
