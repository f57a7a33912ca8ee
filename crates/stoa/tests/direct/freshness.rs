//! What is pushed is there as soon as somebody asks for it by name, and everything else as soon as somebody says so.

use std::fs;
use std::path::Path;
use std::process::Command;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stoa_testing::content::hex;
use stoa_testing::git_http::GitHttp;
use stoa_testing::http::{self, Response};
use stoa_testing::process::StoaProcess;
use tempfile::TempDir;

use crate::STOA;

const SECRET: &str = "a secret of sixteen bytes at least";

pub(crate) struct Scene {
    dir: TempDir,
    pub(crate) server: GitHttp,
    pub(crate) stoa: StoaProcess,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let dir = stoa_testing::scene::private_directory();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("srv")).unwrap();
        sh(
            dir.path(),
            "git init -q -b main work; cd work; printf 'module git.example/team/tool\\n' > go.mod; git add -A
             git commit -qm 1; git tag v1.0.0; git clone -q --mirror . ../srv/team/tool.git",
        );
        let server = GitHttp::start(&at("srv"));
        fs::write(at("secret"), format!("{SECRET}\n")).unwrap();
        let config = format!(
            "upstream = \"direct\"\n[vcs]\ncache = \"{cache}\"\n[webhook]\nsecret_file = \"{secret}\"\n\
             [[vcs.module]]\nprefix = \"git.example/team/tool\"\nvcs = \"git\"\nrepo = \"{url}/team/tool.git\"\n\
             [[vcs.module]]\nprefix = \"vanity.example/tool\"\nvcs = \"git\"\nrepo = \"{url}/team/tool.git\"\n",
            cache = at("vcs").display(),
            secret = at("secret").display(),
            url = server.url(),
        );
        fs::write(at("stoa.toml"), config).unwrap();
        let stoa = StoaProcess::command(STOA)
            .storage(&at("storage"))
            .args(&["--config", at("stoa.toml").to_str().unwrap()])
            .start();
        Self { dir, server, stoa }
    }

    pub(crate) fn push(&self, tag: &str) {
        let script = format!(
            "cd work; echo {tag} > f; git add -A; git commit -qm {tag}; git tag {tag}; git push -q ../srv/team/tool.git main {tag}"
        );
        sh(self.dir.path(), &script);
    }

    pub(crate) async fn get(&self, rest: &str) -> Response {
        http::get(&format!("{}/{rest}", self.stoa.url())).await.unwrap()
    }

    async fn list(&self, module: &str) -> String {
        let answer = self.get(&format!("{module}/@v/list")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let url = format!("{}{path}", self.stoa.url());
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        http::request("POST", &url, &headers, body.as_bytes())
            .await
            .unwrap()
    }
}

fn sh(dir: &Path, script: &str) {
    let made = Command::new("bash")
        .args(["-euc", script])
        .current_dir(dir)
        .envs([("HOME", dir.to_str().unwrap()), ("GIT_CONFIG_NOSYSTEM", "1")])
        .envs(["GIT_AUTHOR", "GIT_COMMITTER"].map(|who| (format!("{who}_NAME"), "A")))
        .envs(["GIT_AUTHOR", "GIT_COMMITTER"].map(|who| (format!("{who}_EMAIL"), "a@git.example")))
        .status();
    assert!(made.unwrap().success(), "{script}");
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex(&mac.finalize().into_bytes())
}

pub(crate) const TOOL: &str = "git.example/team/tool";
const VANITY: &str = "vanity.example/tool";

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_asked_for_by_name_is_found_as_soon_as_it_is_there() {
    let scene = Scene::new();
    assert_eq!(scene.list(TOOL).await, "v1.0.0");
    scene.push("v1.1.0");
    for extension in ["info", "mod", "zip"] {
        let answer = scene.get(&format!("{TOOL}/@v/v1.1.0.{extension}")).await;
        assert_eq!(answer.status, 200, "{extension}: {}", answer.text());
    }
    // What was not there a moment ago is asked for again.
    let path = format!("{TOOL}/@v/v1.2.0.info");
    assert_eq!(scene.get(&path).await.status, 404);
    scene.push("v1.2.0");
    let began = std::time::Instant::now();
    while scene.get(&path).await.status != 200 {
        assert!(began.elapsed().as_secs() < 5);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_says_that_there_is_something_new() {
    let scene = Scene::new();
    assert_eq!(scene.list(TOOL).await, "v1.0.0");
    scene.push("v1.1.0");
    assert_eq!(scene.list(TOOL).await, "v1.0.0", "for cache.list_ttl");
    let body = r#"{"module":"git.example/team"}"#;
    let answer = scene.post("/api/v1/refresh", &[], body).await;
    assert_eq!((answer.status, scene.list(TOOL).await.as_str()), (401, "v1.0.0"));
    let token = scene.stoa.admin_authorization().unwrap();
    let token = [("Authorization", token.as_str())];
    let answer = scene.post("/api/v1/refresh", &token, body).await;
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#"{"refreshed":["git.example/team"]}"#)
    );
    assert_eq!(scene.list(TOOL).await, "v1.0.0 v1.1.0");
    let answer = scene
        .post("/api/v1/refresh", &token, r#"{"module":"https://x.example"}"#)
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("it is a URL"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_say_that_somebody_has_pushed() {
    let scene = Scene::new();
    let github = format!(
        r#"{{"ref":"refs/tags/v1.1.0","repository":{{"clone_url":"{}/team/tool.git"}}}}"#,
        scene.server.url()
    );
    let by_path = r#"{"project":{"git_http_url":"https://git.example/team/tool.git"}}"#;
    let of_other = r#"{"repository":{"links":{"html":{"href":"https://git.example/team/toolbox"}}}}"#;
    let signed = signature(&github);
    let by_path_signed = format!("sha256={}", signature(by_path));
    let with_prefix = format!("sha256={}", signature(&github));
    let mut want = "v1.0.0".to_owned();
    for (n, headers, body, modules) in [
        // Modules that were found at the repository are named by it, whatever they are called.
        (
            1,
            vec![("X-Hub-Signature-256", with_prefix.as_str())],
            github.as_str(),
            [TOOL, VANITY].as_slice(),
        ),
        (
            2,
            vec![("X-Gitea-Signature", signed.as_str())],
            &github,
            &[TOOL, VANITY],
        ),
        (3, vec![("X-Gitlab-Token", SECRET)], by_path, &[TOOL]),
        (
            4,
            vec![("X-Hub-Signature", by_path_signed.as_str())],
            by_path,
            &[TOOL],
        ),
        (5, vec![("X-Gitlab-Token", SECRET)], of_other, &[]),
    ] {
        for module in [TOOL, VANITY] {
            scene.get(&format!("{module}/@v/list")).await;
        }
        scene.push(&format!("v1.{n}.0"));
        for module in modules {
            assert_eq!(scene.list(module).await, want, "before {n}");
        }
        let answer = scene.post("/api/v1/webhook", &headers, body).await;
        assert_eq!(answer.status, 200, "{n}: {}", answer.text());
        let new = format!("{want} v1.{n}.0");
        for module in modules {
            assert_eq!(scene.list(module).await, new, "{n}: {}", answer.text());
        }
        if modules.is_empty() {
            assert_eq!(scene.list(TOOL).await, want, "{n}");
        }
        want = new;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_only_says_hello_is_told_that_it_arrived() {
    let scene = Scene::new();
    let ping = r#"{"zen":"Keep it simple.","hook_id":7,"organization":{"login":"corp"}}"#;
    let signed = signature(ping);
    let answer = scene
        .post("/api/v1/webhook", &[("X-Hub-Signature-256", &signed)], ping)
        .await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"refreshed":[]}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_without_a_secret_to_hold_it_against_is_refused_and_logged() {
    let stoa = StoaProcess::command(STOA).args(&["--storage", "memory:"]).start();
    let url = format!("{}/api/v1/webhook", stoa.url());
    let headers = [("X-Gitlab-Token", SECRET), ("Content-Type", "application/json")];
    let answer = http::request("POST", &url, &headers, b"{}").await.unwrap();
    assert_eq!(answer.status, 401, "{}", answer.text());
    stoa.wait_for_log("webhook.secret_file is not set");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_says_so() {
    let scene = Scene::new();
    let github = r#"{"repository":{"clone_url":"https://git.example/team/tool.git"}}"#;
    let good = signature(github);
    for (headers, body, status) in [
        (vec![], github, 401),
        (vec![("X-Hub-Signature-256", &good[..62])], github, 401),
        (
            vec![("X-Gitlab-Token", "another secret of some length")],
            github,
            401,
        ),
        // A signature that is wrong is not made up for by a token that is right.
        (
            vec![("X-Hub-Signature-256", "00"), ("X-Gitlab-Token", SECRET)],
            github,
            401,
        ),
        (
            vec![("X-Gitlab-Token", SECRET)],
            r#"{"repository":{"name":"tool"}}"#,
            400,
        ),
        (vec![("X-Gitlab-Token", SECRET)], "payload=%7B", 400),
    ] {
        let answer = scene.post("/api/v1/webhook", &headers, body).await;
        assert_eq!(answer.status, status, "{headers:?} {body}: {}", answer.text());
        assert!(!answer.text().contains("sixteen"), "{}", answer.text());
    }
}
