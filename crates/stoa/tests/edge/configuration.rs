//! Configuration: faults with their places, and the `config` commands.

use stoa_testing::process::{Finished, run};

use crate::support::{STOA, get, scene};

fn stoa(arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    run(STOA, arguments, environment)
}

/// A file in a directory that vanishes with it.
fn file(content: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stoa.toml");
    std::fs::write(&path, content).unwrap();
    (directory, path.to_str().unwrap().to_owned())
}

#[test]
fn every_fault_is_told_at_once_with_its_line_and_a_hint() {
    let (_directory, path) = file(
        "listn = \":3000\"\nnetwork = \"onlin\"\n\n[cache]\nlist_ttl = \"60x\"\nmemory = \"much\"\n\n\
         [[route]]\nmatch = \"corp.example/*\"\nurl = \"x\"\n\n[pool]\nfetches = 0\n",
    );
    let want = [
        ":1: unknown key listn; did you mean listen?",
        ":2: network: bad network mode \"onlin\": write online, fallback or offline",
        ":5: cache.list_ttl: bad duration \"60x\": write a number and ms, s, m or h",
        ":6: cache.memory: bad size \"much\"",
        ":8: route: upstream is missing",
        ":10: route.url: unknown key; a route has match and upstream",
        ":13: pool.fetches: bad number \"0\"",
    ];
    for command in [
        &["serve"][..],
        &["config", "check"],
        &["config", "show"],
        &["fetch", "example.com/a"],
        &["verify"],
    ] {
        let failed = stoa(
            &[command, &["--config", &path, "--storage", "memory:"]].concat(),
            &[],
        );
        assert_eq!(failed.code, Some(64), "{command:?}: {failed:?}");
        assert_eq!(failed.stdout, "", "{command:?}");
        for fault in want {
            let line = format!("stoa: {path}{fault}");
            assert!(
                failed.stderr.contains(&line),
                "{command:?}: no {line:?} in\n{}",
                failed.stderr
            );
        }
        assert_eq!(failed.stderr.lines().count(), want.len(), "{}", failed.stderr);
    }
}

#[test]
fn faults_of_flags_and_variables_name_them() {
    let failed = stoa(
        &[
            "serve",
            "--listen",
            "nowhere",
            "--upstream",
            "ftp://a.example",
            "--network",
            "sometimes",
        ],
        &[("STOA_LOG_FORMAT", "xml"), ("STOA_STORAGE", "memory:")],
    );
    assert_eq!(failed.code, Some(64));
    for start in [
        "--listen: listen: ",
        "--upstream: upstream: ",
        "--network: network: ",
        "STOA_LOG_FORMAT: log.format: ",
    ] {
        assert!(
            failed.stderr.contains(&format!("stoa: {start}")),
            "no {start:?} in\n{}",
            failed.stderr
        );
    }
    let syntax = file("listen = \n[pool\n");
    let failed = stoa(
        &["config", "check", "--config", &syntax.1],
        &[("STOA_STORAGE", "memory:")],
    );
    assert_eq!(failed.code, Some(64));
    assert!(
        failed.stderr.contains(&format!("stoa: {}:1: ", syntax.1)),
        "{}",
        failed.stderr
    );
    let absent = stoa(
        &["config", "check", "--config", "/nonexistent/stoa.toml"],
        &[("STOA_STORAGE", "memory:")],
    );
    assert_eq!(absent.code, Some(64));
    assert!(
        absent
            .stderr
            .contains("/nonexistent/stoa.toml: cannot read the configuration"),
        "{}",
        absent.stderr
    );
    for usage in [&["serve", "--lisen", ":1"][..], &["frobnicate"], &[]] {
        assert_eq!(stoa(usage, &[]).code, Some(64), "{usage:?}");
    }
}

#[test]
fn a_good_configuration_is_called_good() {
    let (_directory, path) = file("storage = \"memory:\"\n[cache]\nlist_ttl = \"5s\"\n");
    let good = stoa(&["config", "check", "--config", &path], &[]);
    assert_eq!(
        (good.code, good.stdout.as_str(), good.stderr.as_str()),
        (Some(0), "the configuration is good\n", "")
    );
    let by_variable = stoa(&["config", "check"], &[("STOA_CONFIG", &path)]);
    assert_eq!(by_variable, good);
    let warned = stoa(&["config", "check", "--config", &path], &[("STOA_LISTN", ":1")]);
    assert_eq!(warned.code, Some(0));
    assert!(
        warned
            .stderr
            .contains("warning: the environment variable STOA_LISTN"),
        "{}",
        warned.stderr
    );
}

#[test]
fn show_tells_values_and_where_they_come_from_and_no_password() {
    let (_directory, path) = file(
        "listen = \":1\"\nstorage = \"memory:\"\nupstream = \"https://bot:hunter2@a.example\"\n[cache]\nlist_ttl = \"5s\"\n",
    );
    let shown = stoa(
        &["config", "show", "--config", &path, "--network", "offline"],
        &[("STOA_POOL_FETCHES", "7")],
    );
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for line in [
        format!("listen = \":1\"  # {path}:1"),
        format!("list_ttl = \"5s\"  # {path}:5"),
        "fetches = 7  # STOA_POOL_FETCHES".to_owned(),
        "network = \"offline\"  # --network".to_owned(),
        "negative_ttl = \"30s\"  # default".to_owned(),
    ] {
        assert!(
            shown.stdout.lines().any(|other| other == line),
            "no {line:?} in\n{}",
            shown.stdout
        );
    }
    assert!(!shown.stdout.contains("hunter2"), "{}", shown.stdout);
    let hidden = file(&shown.stdout);
    let refused = stoa(&["config", "check", "--config", &hidden.1], &[]);
    assert_eq!(refused.code, Some(64), "{refused:?}");
    assert!(
        refused.stderr.contains(": upstream: [hidden] is where"),
        "{}",
        refused.stderr
    );
    let again = file(
        &shown
            .stdout
            .replace("https://[hidden]@a.example", "https://b.example"),
    );
    assert_eq!(
        stoa(&["config", "check", "--config", &again.1], &[]).code,
        Some(0),
        "what is shown can be read"
    );
}

#[test]
fn init_prints_a_file_that_is_good_as_it_is() {
    let sample = stoa(&["config", "init"], &[]);
    assert_eq!(sample.code, Some(0));
    for key in [
        "#listen = \"127.0.0.1:3000\"",
        "[cache]",
        "#list_ttl = \"60s\"",
        "#[[route]]",
        "#[[dispatch.lane]]",
        "#[[vcs.module]]",
        "#[[rewrite]]",
        "#[[credential]]",
    ] {
        assert!(sample.stdout.contains(key), "{}", sample.stdout);
    }
    let (_directory, path) = file(&sample.stdout);
    let checked = stoa(
        &["config", "check", "--config", &path],
        &[("STOA_STORAGE", "memory:")],
    );
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test]
async fn a_route_sends_some_modules_elsewhere() {
    let (scene, other) = (scene(), scene());
    let config = format!(
        "[[route]]\nmatch = \"corp.example\"\nupstream = \"{}\"\n[[route]]\nmatch = \"example.com/legacy,example.com/mul*\"\n\
         upstream = \"off\"\n",
        other.upstream.url()
    );
    let (_directory, path) = file(&config);
    let secret = stoa_testing::fixtures::ModuleFixture::new("corp.example/secret", "v1.0.0");
    other.upstream.module(&secret);
    let stoa = scene.stoa().args(&["--config", &path]).start();
    assert_eq!(get(&stoa, &secret.url_path("mod")).await.status, 200);
    assert_eq!(get(&stoa, &scene.greet().url_path("mod")).await.status, 200);
    for refused in ["/example.com/legacy/@v/list", "/example.com/multi/sub/@v/list"] {
        crate::support::assert_error(refused, &get(&stoa, refused).await, 403, "off");
    }
    assert_eq!((scene.upstream.total(), other.upstream.total()), (1, 1));
}

#[test]
fn a_configuration_without_an_end_is_refused_and_a_long_one_is_read_in_time() {
    let endless = stoa(&["config", "check", "--config", "/dev/zero"], &[]);
    assert_eq!(endless.code, Some(64));
    assert_eq!(
        endless.stderr.lines().next(),
        Some("stoa: /dev/zero: cannot read the configuration: it is longer than 1048576 bytes")
    );
    let empty = stoa(
        &["config", "check", "--config", "/dev/null", "--storage", "memory:"],
        &[],
    );
    assert_eq!(empty.code, Some(0), "{empty:?}");
    let (_directory, path) = file(&"[[route]]\n".repeat(100_000));
    // In a minute, or it is killed.
    let many = stoa(
        &["config", "check", "--config", &path, "--storage", "memory:"],
        &[],
    );
    assert_eq!(many.code, Some(64));
    assert_eq!(many.stderr.lines().count(), 101, "{}", many.stderr);
    assert!(
        many.stderr.ends_with("stoa: and 199900 more faults\n"),
        "{}",
        many.stderr
    );
}

#[test]
fn what_may_be_a_secret_in_a_url_is_not_shown() {
    let (_directory, path) = file(
        "[[credential]]\nmatch = \"https://t0ken-in-user@git.example/x\"\npassword_env = \"STOA_TEST_PASSWORD\"\n",
    );
    let environment = [("STOA_TEST_PASSWORD", "p")];
    let shown = stoa(
        &["config", "show", "--config", &path, "--storage", "memory:"],
        &environment,
    );
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(
        shown
            .stdout
            .contains("match = \"https://[hidden]@git.example/x\""),
        "{}",
        shown.stdout
    );
    assert!(!format!("{shown:?}").contains("t0ken"), "{shown:?}");
    for upstream in [
        r"https:\\u:t0ken@h.example",
        r"https:/\u:t0ken@h.example",
        "u:t0ken@host",
        "https:/u:t0ken@h.example",
    ] {
        let failed = stoa(
            &["config", "show", "--storage", "memory:", "--upstream", upstream],
            &[],
        );
        assert!(!format!("{failed:?}").contains("t0ken"), "{upstream}: {failed:?}");
        assert_eq!(
            failed.code,
            Some(if upstream.starts_with("u:") { 0 } else { 64 }),
            "{upstream}: {failed:?}"
        );
    }
    for table in [
        "[[credential]]\nmatch = \"https://t0ken@a b\"\npassword_env = \"STOA_TEST_PASSWORD\"\n",
        "[[credential]]\nmatch = \"https://t0ken@h.example\"\nssh_agent = \"true\"\nknown_hosts = \"/x\"\n",
        "[[rewrite]]\nfrom = \"https://t0ken@a b\"\nto = \"https://b.example\"\n",
    ] {
        let (_directory, path) = file(table);
        let environment = [("STOA_TEST_PASSWORD", "p"), ("SSH_AUTH_SOCK", "/x")];
        let failed = stoa(
            &["config", "check", "--config", &path, "--storage", "memory:"],
            &environment,
        );
        assert_eq!(failed.code, Some(64), "{table}: {failed:?}");
        assert!(!format!("{failed:?}").contains("t0ken"), "{table}: {failed:?}");
    }
}

#[test]
fn a_check_reads_what_a_start_reads_and_creates_nothing() {
    let (directory, path) = file("");
    let root = directory.path();
    std::fs::write(root.join("file"), "x").unwrap();
    let place = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let listing = || {
        let names = std::fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let before = listing();
    let check = |environment: &[(&str, &str)]| stoa(&["config", "check", "--config", &path], environment);
    let good = check(&[("STOA_STORAGE", &place("new/er"))]);
    assert_eq!(
        (good.code, good.stdout.as_str()),
        (Some(0), "the configuration is good\n"),
        "{good:?}"
    );
    let (cert, key, token) = (place("cert"), place("key"), place("token"));
    let storage = place("file/below");
    let bad = check(&[
        ("STOA_STORAGE", &storage),
        ("STOA_TLS_CERT", &cert),
        ("STOA_TLS_KEY", &key),
        ("STOA_ADMIN_TOKEN_FILE", &token),
    ]);
    assert_eq!(bad.code, Some(64), "{bad:?}");
    for start in [
        format!("stoa: STOA_TLS_CERT: tls.cert: {cert}: "),
        format!("stoa: STOA_ADMIN_TOKEN_FILE: admin.token_file: {token}: No such file"),
        "stoa: STOA_STORAGE: storage: the storage of this proxy is unavailable".to_owned(),
    ] {
        assert!(
            bad.stderr.lines().any(|line| line.starts_with(&start)),
            "{start}\n{}",
            bad.stderr
        );
    }
    assert_eq!(bad.stderr.lines().count(), 3, "{}", bad.stderr);
    assert_eq!(listing(), before);
    let scheme = check(&[("STOA_STORAGE", "ftp://bucket")]);
    assert_eq!(scheme.code, Some(64), "{scheme:?}");
    let secret = place("secret");
    let bucket = check(&[
        ("STOA_STORAGE", "s3://bucket"),
        ("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", &secret),
    ]);
    assert_eq!(bucket.code, Some(64), "{bucket:?}");
    let fault = format!("storage_options.secret_key_file: {secret}: No such file");
    assert!(bucket.stderr.contains(&fault), "{}", bucket.stderr);
}
