//! Reaching repositories: credentials, hostile URLs, servers that fail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use stoa_testing::git_http::{Fault, GitHttp, Manner};
use stoa_vcs::cache::Cache;
use stoa_vcs::git::{GitRepository, Probe, RepoUrl, Transport};
use stoa_vcs::{Credential, Credentials, Repository, VcsError};

use crate::fixture::{Fixture, processes_about};

const SECRET: &str = "canary-4711/ä";

#[derive(Debug)]
struct Fixed(Credential);

#[async_trait]
impl Credentials for Fixed {
    async fn for_url(&self, _: &str) -> Option<Credential> {
        Some(self.0.clone())
    }
}

#[derive(Debug)]
struct Gone(bool);

#[async_trait]
impl Probe for Gone {
    async fn is_gone(&self, _: &str) -> bool {
        self.0
    }
}

fn basic() -> Arc<dyn Credentials> {
    Arc::new(Fixed(Credential::Basic {
        user: "user".to_owned(),
        password: SECRET.to_owned(),
    }))
}

fn bearer() -> Arc<dyn Credentials> {
    Arc::new(Fixed(Credential::Bearer {
        token: "canary-4711".to_owned(),
    }))
}

fn open(fixture: &Fixture, credentials: Option<Arc<dyn Credentials>>) -> GitRepository {
    let mut options = fixture.options();
    options.credentials = credentials;
    fixture.open_with(fixture.cache(), options)
}

#[tokio::test]
async fn presents_credentials_when_asked() {
    let fixture = Fixture::new();
    let wanted = "Basic dXNlcjpjYW5hcnktNDcxMS/DpA==";
    fixture.server.guard(wanted);
    let repository = open(&fixture, Some(basic()));
    repository.stat("v1.0.0").await.expect("it gets in");
    drop(repository);
    fixture.server.guard("Bearer canary-4711");
    open(&fixture, Some(bearer()))
        .stat("v1.0.0")
        .await
        .expect("it gets in");
    fixture.server.guard("another");
    for credentials in [None, Some(basic()), Some(bearer())] {
        let error = open(&fixture, credentials)
            .tags("")
            .await
            .expect_err("it stays out");
        assert!(
            matches!(error, VcsError::Failed { .. }) && !error.is_not_exist(),
            "{error}"
        );
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn keeps_credentials_from_other_hosts() {
    let fixture = Fixture::new();
    let other = GitHttp::start(&fixture.dir.path().join("srv"));
    other.guard("nobody");
    fixture.server.set(Manner::Redirect(other.url()));
    for credentials in [basic(), bearer()] {
        let error = open(&fixture, Some(credentials))
            .tags("")
            .await
            .expect_err("it stays out");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let seen = other.seen();
    assert!(!seen.is_empty(), "the redirect was followed");
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
    other.unguard();
    assert!(
        !open(&fixture, None)
            .tags("")
            .await
            .expect("a redirect is followed")
            .list
            .is_empty()
    );
}

#[tokio::test]
async fn shows_no_secret_to_other_processes() {
    let fixture = Fixture::new();
    fixture.server.set(Manner::Hang);
    for credentials in [basic(), bearer()] {
        let repository = open(&fixture, Some(credentials));
        let (tags, texts) = tokio::join!(
            tokio::time::timeout(Duration::from_millis(1500), repository.tags("")),
            async {
                while fixture.server.runs() == 0 {
                    tokio::task::yield_now().await;
                }
                let processes = processes_about(&fixture.dir.path().join("cache/sessions"));
                let read = |file: std::path::PathBuf| std::fs::read(file).unwrap_or_default();
                let texts = processes
                    .iter()
                    .map(|p| [read(p.join("cmdline")), read(p.join("environ"))].concat());
                texts
                    .map(|text| String::from_utf8_lossy(&text).into_owned())
                    .collect::<Vec<_>>()
            }
        );
        assert!(tags.is_err(), "it hangs");
        assert!(
            texts.iter().any(|text| text.contains("remote-https")),
            "{texts:?}"
        );
        assert!(
            texts
                .iter()
                .all(|text| !text.contains("canary") && !text.contains("Y2FuYXJ5")),
            "{texts:?}"
        );
        fixture.server.clear();
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_its_time_only() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.refs_time = Duration::from_millis(500);
    let repository = fixture.open_with(fixture.cache(), options);
    fixture.server.set(Manner::Hang);
    let error = repository.tags("").await.expect_err("it hangs");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
    let until = Instant::now() + Duration::from_secs(5);
    let url = fixture.url().to_string();
    while !processes_about(std::path::Path::new(&url)).is_empty() {
        assert!(Instant::now() < until, "git or its helper is still there");
        std::thread::yield_now();
    }
    fixture.server.set(Manner::Serve);
    assert!(repository.tags("").await.is_ok(), "a failure is not remembered");
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_holds_nobody_up_for_long() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.silence = Duration::from_millis(1500);
    let repository = Arc::new(fixture.open_with(fixture.cache(), options));
    repository.tags("").await.expect("tags");
    fixture.server.set(Manner::HangPacks);
    let stalled = Arc::clone(&repository);
    let began = std::time::Instant::now();
    let mut fetching = tokio::task::JoinSet::new();
    fetching.spawn(async move { stalled.stat("v1.0.0").await });
    while !fixture
        .server
        .seen()
        .iter()
        .any(|seen| seen.body.windows(13).any(|part| part == b"command=fetch"))
    {
        tokio::task::yield_now().await;
    }
    // What is known without the fetch is answered meanwhile.
    repository.tags("").await.expect("tags");
    assert!(
        began.elapsed() < Duration::from_millis(1500),
        "{:?}",
        began.elapsed()
    );
    let error = fetching
        .join_next()
        .await
        .expect("one")
        .expect("joined")
        .expect_err("it stalls");
    assert!(
        matches!(error, VcsError::Timeout { after, .. } if after == Duration::from_millis(1500)),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // The next one has a connection of its own.
    fixture.server.set(Manner::Serve);
    repository.stat("v1.0.0").await.expect("it goes on");
    // So it is for the refs.
    fixture.server.set(Manner::Hang);
    let other = fixture.open_with(
        Cache::open(fixture.dir.path().join("other"), 1 << 30).expect("a cache"),
        {
            let mut options = fixture.options();
            options.silence = Duration::from_millis(300);
            options
        },
    );
    let error = other.tags("").await.expect_err("nothing comes");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_repository_does_not_exist_only_if_its_server_says_so() {
    let fixture = Fixture::new();
    let url = |name: &str| RepoUrl::parse(&format!("{}/{name}", fixture.server.url())).expect("a URL");
    let ask = async |name: &str, probe: Option<bool>, credentials: Option<Arc<dyn Credentials>>| {
        let mut options = fixture.options();
        options.probe = probe.map(|gone| Arc::new(Gone(gone)) as Arc<dyn Probe>);
        options.credentials = credentials;
        let repository = GitRepository::open(url(name), fixture.cache(), options).expect("a handle");
        let error = repository.latest().await.expect_err("no answer");
        (error.is_not_exist(), error.to_string())
    };
    for probe in [None, Some(false), Some(true)] {
        let (gone, said) = ask("none.git", probe, None).await;
        assert!(gone, "{probe:?}: {said}");
    }
    // What fails is not gone, though a page at its URL were.
    for status in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "429 Too Many Requests",
        "403 Forbidden",
    ] {
        fixture.server.clear();
        fixture.server.set(Manner::Fault(0, Fault::Status(status)));
        let (gone, said) = ask("r.git", Some(true), None).await;
        assert!(!gone && said.contains(&status[..3]), "{said}");
    }
    fixture.server.clear();
    fixture.server.set(Manner::Fault(0, Fault::Reset(0)));
    let (gone, said) = ask("r.git", Some(true), None).await;
    assert!(!gone, "{said}");
    fixture.server.set(Manner::Serve);
    // Without a certificate, a server that asks for a user proves nothing.
    fixture.server.guard("somebody");
    for (probe, credentials) in [(None, None), (Some(true), None), (Some(true), Some(basic()))] {
        let (gone, said) = ask("r.git", probe, credentials).await;
        assert!(!gone, "{probe:?}: {said}");
    }
}

#[tokio::test]
async fn only_allowed_transports_are_used() {
    let fixture = Fixture::new();
    let cache = fixture.cache();
    let mut options = fixture.options();
    options.transports = vec![Transport::Https];
    let error = GitRepository::open(fixture.url(), cache.clone(), options).expect_err("http is not allowed");
    assert!(!error.is_not_exist());
    // A redirect to one is refused by git.
    let mut options = fixture.options();
    options.transports = vec![Transport::Http];
    fixture.server.set(Manner::Redirect("file:///tmp".to_owned()));
    assert!(fixture.open_with(cache.clone(), options).tags("").await.is_err());

    let url = RepoUrl::parse(&format!("file://{}/srv/r.git", fixture.dir.path().display())).expect("a URL");
    let repository = GitRepository::open(url, cache, fixture.options()).expect("files are allowed");
    assert_eq!(repository.stat("v1.1.0").await.expect("a tag").version, "v1.1.0");
}

/// A program in the place of ssh: writes down its arguments, and runs what it is told on this machine.
const SSH: &str = r#"#!/bin/sh
printf '%s\n' "$@" >> "$(dirname "$0")/args"
for last; do :; done
exec sh -c "$last"
"#;

#[tokio::test]
async fn ssh_is_told_to_believe_only_known_hosts() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new();
    let bin = fixture.dir.path().join("bin");
    std::fs::create_dir(&bin).expect("writable");
    std::fs::write(bin.join("ssh"), SSH).expect("writable");
    std::fs::set_permissions(bin.join("ssh"), std::fs::Permissions::from_mode(0o755)).expect("writable");
    let mut options = fixture.options();
    let runner = options.runner.as_mut().expect("a runner");
    let path = [bin.as_os_str(), ":".as_ref(), &runner.path]
        .into_iter()
        .collect();
    runner.path = path;
    options.transports = vec![Transport::Ssh];
    options.credentials = Some(Arc::new(Fixed(Credential::SshKey {
        key: "/etc/stoa/key".into(),
        known_hosts: "/etc/stoa/known_hosts".into(),
    })));
    let url = format!(
        "ssh://git@git.example:2222{}/srv/r.git",
        fixture.dir.path().display()
    );
    let url = RepoUrl::parse(&url).expect("a URL");
    let repository = GitRepository::open(url, fixture.cache(), options).expect("a handle");
    assert_eq!(repository.stat("v1.1.0").await.expect("a tag").version, "v1.1.0");
    let args = std::fs::read_to_string(bin.join("args")).expect("ssh was run");
    for wanted in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=/etc/stoa/known_hosts",
        "-i\n/etc/stoa/key",
        "-p\n2222",
        "git@git.example",
    ] {
        assert!(args.contains(wanted), "{wanted} is not in {args}");
    }
}
