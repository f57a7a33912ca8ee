//! Questions of the protocol, answered from a repository.

use std::{sync::Arc, time::Duration};

use stoa_code_repo::{CodeLimits, CodeRepo};
use stoa_fetch::{DirectModule, FetchError, Fetcher as _, Limits};
use stoa_module::ModulePath;
use stoa_vcs::{Step, VcsError, VcsKind};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    code_repos::memory_repo::{MemoryRepo, hash, stamp},
    support::question,
};

const ROOT: &[(&str, &str)] = &[("go.mod", "module h.com/r\n"), ("a.go", "package a\n")];

struct Scene {
    repo: Arc<MemoryRepo>,
    direct: DirectModule,
    dir: TempDir,
}

fn scene(repo: MemoryRepo, remember: Duration) -> Scene {
    let (repo, dir) = (Arc::new(repo), tempfile::tempdir().unwrap());
    let limits = CodeLimits {
        remember,
        memory: 0,
        ..CodeLimits::default()
    };
    let path = ModulePath::parse("h.com/r").unwrap();
    let module = CodeRepo::new(Arc::clone(&repo) as _, "h.com/r", "", path, limits).unwrap();
    let direct = DirectModule::new(Arc::new(module), Limits::default(), dir.path().to_owned());
    Scene { repo, direct, dir }
}

impl Scene {
    async fn ask(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        let fetched = self.direct.fetch(&question(path)).await?;
        let len = fetched.len.unwrap();
        let bytes = fetched.bytes().await?;
        assert_eq!(bytes.len() as u64, len, "{path}");
        Ok(bytes.to_vec())
    }

    async fn text(&self, path: &str) -> String {
        match self.ask(path).await {
            Ok(bytes) => String::from_utf8(bytes).unwrap(),
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

fn history() -> MemoryRepo {
    MemoryRepo::new()
        .commit(ROOT)
        .tag("v1.0.0")
        .tag("v1.1.0")
        .commit(ROOT)
}

#[tokio::test]
async fn every_kind_of_question_has_its_answer() {
    let scene = scene(history(), Duration::ZERO);
    assert_eq!(scene.direct.to_string(), "direct(h.com/r in git https://h.com/r)");
    assert_eq!(scene.text("h.com/r/@v/list").await, "v1.0.0\nv1.1.0\n");
    assert_eq!(scene.text("h.com/r/@v/v1.0.0.mod").await, "module h.com/r\n");
    assert!(
        scene
            .text("h.com/r/@latest")
            .await
            .starts_with(r#"{"Version":"v1.1.0","#)
    );
    let pseudo = format!("v1.1.1-0.{}", stamp(1));
    let query = scene.text("h.com/r/@v/main.info").await;
    assert!(query.contains(&pseudo) && query.contains("TagSum"), "{query}");
    let pinned = format!(
        r#"{{"Version":"{pseudo}","Time":"2024-01-02T03:04:06Z","Origin":{{"VCS":"git","URL":"https://h.com/r","Hash":"{}"}}}}"#,
        hash(1)
    );
    assert_eq!(scene.text(&format!("h.com/r/@v/{pseudo}.info")).await, pinned);
    let zip = scene.ask("h.com/r/@v/v1.0.0.zip").await.unwrap();
    assert!(zip.starts_with(b"PK\x03\x04"));
    assert_eq!(std::fs::read_dir(scene.dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn failures_keep_their_meaning() {
    let scene = scene(history(), Duration::ZERO);
    let error = scene.ask("h.com/r/@v/v1.2.0.info").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        error.to_string(),
        "h.com/r@v1.2.0: invalid version: unknown revision v1.2.0"
    );
    let error = scene
        .ask(&format!("h.com/r/@v/v1.0.0-{}.mod", stamp(1)))
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error:?}");
    let error = scene.ask("h.com/other/@v/list").await.unwrap_err();
    assert!(matches!(error, FetchError::Unsupported { .. }), "{error:?}");
    for (fails, text) in [
        (
            VcsError::Failed {
                vcs: VcsKind::Git,
                step: Step::Access,
                said: "no route".to_owned(),
            },
            "https://h.com/r could not be read: module h.com/r: git access: no route",
        ),
        (
            VcsError::Timeout {
                vcs: VcsKind::Git,
                step: Step::Access,
                after: Duration::from_secs(9),
            },
            "https://h.com/r did not send an answer within 9s",
        ),
        (
            VcsError::NotInstalled {
                vcs: VcsKind::Hg,
                package: "mercurial",
            },
            "module h.com/r: hg is not installed on this machine: install the package mercurial",
        ),
    ] {
        *scene.repo.fails.lock() = Some((Step::Access, fails));
        let error = scene.ask("h.com/r/@v/list").await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(!error.is_not_found());
    }
}

#[tokio::test(start_paused = true)]
async fn the_questions_about_a_version_share_what_they_found() {
    let scene = scene(history(), Duration::from_secs(10));
    let pseudo = format!("v1.1.1-0.{}", stamp(1));
    for suffix in ["info", "mod", "zip"] {
        scene.ask(&format!("h.com/r/@v/{pseudo}.{suffix}")).await.unwrap();
    }
    let calls = |prefix: &str| {
        scene
            .repo
            .calls
            .lock()
            .iter()
            .filter(|call| call.starts_with(prefix))
            .count()
    };
    assert_eq!(
        (
            calls("stat"),
            calls("read_file"),
            calls("descends_from"),
            calls("archive")
        ),
        (1, 1, 1, 1)
    );
    scene.ask("h.com/r/@v/main.info").await.unwrap();
    scene.ask("h.com/r/@v/main.info").await.unwrap();
    assert_eq!(calls("stat main"), 1);
    tokio::time::advance(Duration::from_secs(11)).await;
    scene.ask("h.com/r/@v/main.info").await.unwrap();
    assert_eq!(calls("stat main"), 2, "a branch moves");
    assert!(
        scene
            .ask("h.com/r/@v/nothing.info")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        scene
            .ask("h.com/r/@v/nothing.info")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(calls("stat nothing"), 2, "what was not there may be now");
}

#[tokio::test]
async fn a_zip_larger_than_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let module = history().module("");
    let limits = Limits {
        zip: 100,
        ..Limits::default()
    };
    let direct = DirectModule::new(Arc::new(module), limits, dir.path().to_owned());
    let error = direct
        .fetch(&question("h.com/r/@v/v1.0.0.zip"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("larger than the limit of 100 bytes"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_for_a_repository_that_stalls() {
    let repo = MemoryRepo {
        stalls: true,
        ..history()
    };
    let scene = scene(repo, Duration::ZERO);
    let mut question = question("h.com/r/@v/list");
    question.context.deadline = Some(Instant::now() + Duration::from_secs(5));
    let error = scene.direct.fetch(&question).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "https://h.com/r did not send an answer within 5s"
    );
}
