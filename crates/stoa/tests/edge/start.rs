//! How it starts, and what it prints.

use stoa_testing::process::{StoaProcess, run};

use crate::support::{STOA, get, scene};

#[tokio::test]
async fn without_arguments_it_serves_and_says_how_to_use_it() {
    let home = tempfile::tempdir().unwrap();
    let stoa = StoaProcess::command(STOA)
        .env("HOME", home.path().to_str().unwrap())
        .start();
    let storage = home.path().join(".local/share/stoa");
    for line in [
        format!("stoa {} listening on {}", env!("CARGO_PKG_VERSION"), stoa.url()),
        format!("export GOPROXY={}", stoa.url()),
        format!("storage: file://{}", storage.display()),
        "upstream: https://proxy.golang.org,direct".to_owned(),
    ] {
        assert_eq!(stoa.wait_for_log(&line), line);
    }
    assert!(std::fs::exists(storage.join(".stoa")).unwrap());
    assert_eq!(get(&stoa, "/readyz").await.status, 200);
    let data = home.path().join("data");
    let elsewhere = StoaProcess::command(STOA)
        .env("HOME", home.path().to_str().unwrap())
        .env("XDG_DATA_HOME", data.to_str().unwrap())
        .start();
    elsewhere.wait_for_log(&format!("storage: file://{}", data.join("stoa").display()));
}

#[test]
fn without_a_home_it_asks_for_a_directory() {
    let (code, output) = StoaProcess::command(STOA).start_expecting_exit();
    assert_eq!(code, Some(64));
    assert!(output.contains("HOME is not set: name a directory"), "{output}");
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let scene = scene();
    let first = scene.start();
    let address = first.url().trim_start_matches("http://");
    let (code, output) = scene.stoa().listen(address).start_expecting_exit();
    assert_eq!(code, Some(1), "{output}");
    let complaints: Vec<_> = output.lines().filter(|line| line.starts_with("stoa: ")).collect();
    assert_eq!(complaints.len(), 1, "{output}");
    assert!(
        complaints[0].starts_with(&format!(
            "stoa: cannot listen on {address}: Address already in use"
        )),
        "{output}"
    );
    assert!(!output.contains("listening on"), "{output}");
    assert_eq!(get(&first, "/healthz").await.status, 200);
}

#[tokio::test]
async fn storage_in_memory_serves_and_forgets() {
    let scene = scene();
    let start = || {
        StoaProcess::command(STOA)
            .args(&["--storage", "memory:"])
            .upstream(&scene.upstream.url())
            .start()
    };
    let path = scene.greet().url_path("zip");
    for _ in ["first", "second"] {
        let stoa = start();
        for _ in 0..2 {
            assert_eq!(get(&stoa, &path).await.body, scene.greet().zip().to_bytes());
        }
    }
    assert_eq!(scene.upstream.count(&path), 2, "once for each process");
}

#[test]
fn completions_are_printed_for_each_shell() {
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef stoa"),
        ("fish", "complete -c stoa"),
    ] {
        let printed = run(STOA, &["completions", shell], &[]);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(printed.stdout.contains(sign), "{shell}: {}", printed.stdout);
        for command in ["serve", "fetch", "verify", "config"] {
            assert!(printed.stdout.contains(command), "{shell} {command}");
        }
    }
    assert_eq!(run(STOA, &["completions", "tcsh"], &[]).code, Some(64));
}

#[test]
fn help_and_version_are_for_standard_output() {
    let version = run(STOA, &["--version"], &[]);
    assert_eq!(
        (version.code, version.stdout),
        (Some(0), format!("stoa {}\n", env!("CARGO_PKG_VERSION")))
    );
    for arguments in [&["--help"][..], &["serve", "--help"], &["help", "fetch"]] {
        let help = run(STOA, arguments, &[]);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(help.stdout.contains("Usage: stoa"), "{arguments:?}");
    }
}
