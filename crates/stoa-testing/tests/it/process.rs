//! The process harness, with a shell script in the part of the server.

use std::fs;
use std::time::Duration;

use stoa_testing::process::{StoaCommand, StoaProcess};
use tempfile::TempDir;

/// `/bin/sh serve ...` runs the file `serve` in its directory.
fn script(text: &str) -> (TempDir, StoaCommand) {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("serve"), text).unwrap();
    let command = StoaProcess::command("/bin/sh").directory(directory.path());
    (directory, command)
}

const SERVER: &str = "echo starting with $* in ${STOA_TEST-nothing}\n\
    echo INFO Listening on http://127.0.0.1:4321 >&2\n\
    trap 'echo draining; exit 3' TERM\n\
    while :; do sleep 0.01; done\n";

#[test]
fn a_server_is_started_watched_and_stopped() {
    let (directory, command) = script(SERVER);
    let mut process = command
        .storage(directory.path())
        .upstream("off")
        .env("STOA_TEST", "test")
        .start();
    assert_eq!(process.url(), "http://127.0.0.1:4321");
    let line = process.wait_for_log("starting");
    let storage = directory.path().display();
    assert_eq!(
        line,
        format!("starting with --storage {storage} --upstream off --listen 127.0.0.1:0 in test")
    );
    assert!(process.rss_bytes() > 0 && process.peak_rss_bytes() >= process.rss_bytes());
    assert!(process.open_files() >= 3);
    assert_eq!(process.wait(Duration::from_millis(5)), None);
    assert_eq!(process.sigterm_and_wait(Duration::from_secs(10)).code(), Some(3));
    process.wait_for_log("draining");
    assert_eq!(
        process.wait(Duration::ZERO).and_then(|status| status.code()),
        Some(3)
    );
}

#[test]
fn a_killed_or_dropped_server_is_gone() {
    let (_directory, command) = script(SERVER);
    let mut process = command.start();
    process.kill9();
    assert_eq!(process.wait(Duration::ZERO).unwrap().code(), None);

    let (_directory, command) = script(SERVER);
    let process = command.start();
    let entry = format!("/proc/{}", process.pid());
    assert!(fs::exists(&entry).unwrap());
    drop(process);
    assert!(!fs::exists(&entry).unwrap());
}

#[test]
fn a_server_that_gives_up_says_why() {
    let (_directory, command) = script("echo unknown key 'liste' >&2\nexit 64\n");
    let (code, output) = command.arg("--config").arg("x").start_expecting_exit();
    assert_eq!((code, output.as_str()), (Some(64), "unknown key liste\n"));
}

#[test]
#[should_panic(expected = "unknown key liste")]
fn a_failed_start_fails_the_test_with_the_output() {
    let (_directory, command) = script("echo unknown key 'liste' >&2\nexit 64\n");
    command.start();
}
