//! The process runner, with the shell as the program.

use std::io::Read as _;
use std::time::{Duration, Instant};

use stoa_vcs::process::{Runner, RunnerSettings};
use stoa_vcs::{Step, VcsError, VcsKind};
use tempfile::TempDir;

fn shell(home: &TempDir) -> Runner {
    Runner::new(VcsKind::Hg, "sh", RunnerSettings::new(home.path()))
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Waits until no process has this id; the kernel is quick, but not instant.
fn gone(pid: &str) -> bool {
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        if stat.map_or(true, |stat| stat.contains(") Z ")) {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[tokio::test]
async fn gives_what_was_printed() {
    let home = home();
    let runner = shell(&home);
    let call = runner
        .call("echo", Step::File)
        .args(["-c", "cat; pwd; echo bad >&2; exit 3"]);
    let output = call.stdin(b"in\n".to_vec()).run().await.expect("it runs");
    assert_eq!(output.code, Some(3));
    assert_eq!(
        output.stdout,
        format!("in\n{}\n", home.path().display()).into_bytes()
    );
    assert_eq!(output.said, "bad");
    let call = runner
        .call("echo", Step::File)
        .args(["-c", "echo no good >&2; exit 3"]);
    let error = call.text().await.expect_err("it fails");
    assert_eq!(error.to_string(), "hg file: no good");
    assert_eq!(runner.counters().get("echo"), 2);
}

#[tokio::test]
async fn sees_nothing_of_our_environment() {
    let home = home();
    let call = shell(&home)
        .call("env", Step::File)
        .args(["-c", "/usr/bin/env -u PWD -u _ -u SHLVL -u OLDPWD"]);
    let printed = call.env("EXTRA", "1").text().await.expect("it runs");
    let text = String::from_utf8(printed).expect("text");
    let mut names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "EXTRA",
            "GIT_ASKPASS",
            "GIT_ATTR_NOSYSTEM",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_NOSYSTEM",
            "GIT_TERMINAL_PROMPT",
            "HOME",
            "LC_ALL",
            "PATH",
            "SSH_ASKPASS",
            "SSH_ASKPASS_REQUIRE",
            "TZ"
        ]
    );
}

#[tokio::test]
async fn kills_the_group_when_time_is_over() {
    let home = home();
    let pid = home.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
    let call = shell(&home).call("hang", Step::Access).args(["-c", &script]);
    let error = call
        .time(Duration::from_millis(300))
        .run()
        .await
        .expect_err("it hangs");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
    assert!(gone(&std::fs::read_to_string(&pid).expect("a pid")));
}

#[tokio::test]
async fn kills_the_group_when_dropped() {
    let home = home();
    let pid = home.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
    let call = shell(&home).call("hang", Step::Access).args(["-c", &script]);
    let run = call.time(Duration::from_secs(1000)).run();
    let dropped = tokio::time::timeout(Duration::from_millis(300), run).await;
    assert!(dropped.is_err());
    assert!(gone(&std::fs::read_to_string(&pid).expect("a pid")));
}

#[tokio::test]
async fn stops_too_much_output() {
    let home = home();
    let call = shell(&home).call("yes", Step::Archive).args(["-c", "yes"]);
    let error = call.limit(100_000).run().await.expect_err("it is endless");
    let expected = VcsError::TooLarge {
        vcs: VcsKind::Hg,
        step: Step::Archive,
        limit: 100_000,
    };
    assert_eq!(error, expected);
    // And what it says on standard error takes no memory, only time.
    let call = shell(&home).call("yes", Step::Archive).args(["-c", "yes >&2"]);
    let error = call
        .time(Duration::from_millis(200))
        .run()
        .await
        .expect_err("it is endless");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn names_the_package_of_a_missing_program() {
    let home = home();
    let runner = Runner::new(VcsKind::Hg, "no-such-program", RunnerSettings::new(home.path()));
    let error = runner
        .call("none", Step::Access)
        .run()
        .await
        .expect_err("it is missing");
    assert!(
        error.to_string().ends_with("install the package mercurial"),
        "{error}"
    );
    assert!(matches!(error, VcsError::NotInstalled { .. }));
}

#[tokio::test]
async fn a_stream_ends_only_well() {
    let home = home();
    let runner = shell(&home);
    let mut text = String::new();
    let mut good = runner
        .call("cat", Step::File)
        .args(["-c", "echo one; echo err >&2; echo two"])
        .stream()
        .await;
    good.as_mut()
        .expect("it runs")
        .read_to_string(&mut text)
        .expect("it ends well");
    assert_eq!(text, "one\ntwo\n");

    let bad = runner
        .call("cat", Step::File)
        .args(["-c", "echo one; echo https://a:b@c/ >&2; exit 1"])
        .stream()
        .await;
    let error = bad
        .expect("it runs")
        .read_to_string(&mut text)
        .expect_err("it fails");
    let error = VcsError::from_io(&error, VcsKind::Hg, Step::File);
    assert_eq!(error.to_string(), "hg file: https://c/");
}

#[tokio::test]
async fn a_stream_is_bounded_in_size_and_time() {
    let home = home();
    let runner = shell(&home);
    let mut sink = Vec::new();
    let endless = runner
        .call("yes", Step::File)
        .args(["-c", "yes"])
        .limit(50_000)
        .stream()
        .await;
    let error = endless
        .expect("it runs")
        .read_to_end(&mut sink)
        .expect_err("it is endless");
    let error = VcsError::from_io(&error, VcsKind::Hg, Step::File);
    assert!(
        matches!(error, VcsError::TooLarge { limit: 50_000, .. }),
        "{error}"
    );

    let silent = runner
        .call("hang", Step::File)
        .args(["-c", "sleep 1000 & echo $!; wait"]);
    let mut silent = silent
        .time(Duration::from_millis(300))
        .stream()
        .await
        .expect("it runs");
    let mut pid = [0; 16];
    let read = silent.read(&mut pid).expect("a pid");
    let error = silent.read(&mut [0; 16]).expect_err("nothing comes");
    let error = VcsError::from_io(&error, VcsKind::Hg, Step::File);
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
    drop(silent);
    assert!(gone(&String::from_utf8_lossy(&pid[..read])));
}
