//! What is said when something between a module path and its zip fails: which step, and 404 only for what is not there.
//! And what `stoa fetch` prints, beside what the go command prints of the same repository.

use std::fs;
use std::process::Command;

use serde_json::Value;
use stoa_testing::git_http::{GitHttp, Manner};
use stoa_testing::go::GoClient;
use stoa_testing::http;
use stoa_testing::process::{StoaProcess, run};
use tempfile::TempDir;

use crate::STOA;

/// Three repositories with a module in them. One lacks its go.mod's content, one that of another file; v1.1.0 of the good
/// one has a file that no module may have.
const SCRIPT: &str = r#"
git init -q -b main work; cd work
printf 'module git.example/good.git\n' >go.mod; echo 'package good' >good.go
mkdir sub; printf 'module git.example/good.git/sub\n' >sub/go.mod; echo MIT >LICENSE
git add -A; git commit -qm one; git tag v1.0.0; git tag -a -m one sub/v0.1.0
echo x >aux.go; git add -A; git commit -qm two; git tag v1.1.0; cd ..
for name in good nomod nofile; do
  git init -q --bare srv/$name.git; cp -r work/.git/objects work/.git/refs srv/$name.git/
  git -C srv/$name.git config uploadpack.allowFilter true
done
object() { git -C work rev-parse "v1.0.0:$1" | sed 's/^../&\//'; }
rm -f srv/nomod.git/objects/$(object go.mod) srv/nofile.git/objects/$(object good.go)
"#;

struct Scene {
    dir: TempDir,
    server: GitHttp,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("bash")
            .args(["-euc", SCRIPT])
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "A")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "a@git.example")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "1700000000 +0100")))
            .status();
        assert!(made.unwrap().success());
        let server = GitHttp::start(&dir.path().join("srv"));
        let nobody = "http://127.0.0.1:1/";
        let config = format!(
            "upstream = \"direct\"\nvcs.cache = \"{}\"\n\
             [[vcs.module]]\nprefix = \"closed.example/r\"\nvcs = \"git\"\nrepo = \"{nobody}r.git\"\n\
             [[rewrite]]\nfrom = \"https://git.example/\"\nto = \"{}/\"\n\
             [[rewrite]]\nfrom = \"https://nowhere.example/\"\nto = \"{nobody}\"\n",
            dir.path().join("vcs").display(),
            server.url()
        );
        fs::write(dir.path().join("stoa.toml"), config).unwrap();
        Self { dir, server }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// What `stoa fetch` prints.
    fn fetch(&self, module: &str) -> Value {
        let (storage, config) = (self.path("fetched"), self.path("stoa.toml"));
        let fetched = run(
            STOA,
            &["fetch", "--storage", &storage, "--config", &config, module],
            &[],
        );
        serde_json::from_str(&fetched.stdout).unwrap_or_else(|error| panic!("{error}: {fetched:?}"))
    }

    /// What the go command prints, which finds the repositories where stoa does.
    fn go(&self, module: &str) -> Value {
        let go = GoClient::new("direct")
            .env("GOVCS", "public:git")
            .env("GIT_CONFIG_COUNT", "1")
            .env(
                "GIT_CONFIG_KEY_0",
                &format!("url.{}/.insteadOf", self.server.url()),
            )
            .env("GIT_CONFIG_VALUE_0", "https://git.example/");
        let printed = go.run(&["mod", "download", "-json", module]);
        serde_json::from_str(&printed.stdout).unwrap_or_else(|error| panic!("{error}: {printed:?}"))
    }
}

#[tokio::test]
async fn errors_say_which_step_failed() {
    let scene = Scene::new();
    let stoa = StoaProcess::command(STOA)
        .storage(&scene.dir.path().join("storage"))
        .args(&["--config", &scene.path("stoa.toml")])
        .start();
    for (path, status, step) in [
        ("nowhere.example/m/@v/list", 502, "discovery: "),
        ("closed.example/r/@v/list", 502, "git access: "),
        (
            "git.example/good.git/@v/v9.9.9.info",
            404,
            "unknown revision v9.9.9",
        ),
        (
            "git.example/good.git/none/@v/v1.0.0.mod",
            404,
            "unknown revision none/v1.0.0",
        ),
        (
            "git.example/nomod.git/@v/v1.0.0.info",
            502,
            "go.mod at revision v1.0.0: git file: ",
        ),
        (
            "git.example/nomod.git/@v/v1.0.0.mod",
            502,
            "go.mod at revision v1.0.0: git file: ",
        ),
        ("git.example/nofile.git/@v/v1.0.0.mod", 200, "module "),
        ("git.example/nofile.git/@v/v1.0.0.zip", 502, "git archive: "),
        ("git.example/good.git/@v/v1.1.0.mod", 200, "module "),
        ("git.example/good.git/@v/v1.1.0.zip", 404, "create zip: aux.go: "),
    ] {
        let answer = http::get(&format!("{}/{path}", stoa.url())).await.unwrap();
        let text = answer.text();
        assert_eq!(answer.status, status, "{path}: {text}");
        assert!(text.contains(step), "{path}: {step:?} is not in {text:?}");
    }
}

#[test]
fn fetch_prints_what_the_go_command_prints() {
    let scene = Scene::new();
    for module in [
        "git.example/good.git@v1.0.0",
        "git.example/good.git/sub@v0.1.0",
        "git.example/good.git@main",
        "git.example/good.git/sub@latest",
    ] {
        // Also the origin: a rewrite works behind stoa's back, as git's insteadOf behind the go command's.
        let (mut got, mut want) = (scene.fetch(module), scene.go(module));
        for printed in [&mut got, &mut want] {
            for place in ["Info", "GoMod", "Zip", "Dir"] {
                printed.as_object_mut().unwrap().remove(place);
            }
        }
        if module.ends_with("@latest") {
            // A list of a proxy has no origin, and what was chosen out of it has none here.
            want.as_object_mut().unwrap().remove("Origin").unwrap();
        }
        if module.ends_with("@main") {
            // The second commit has a file that no module may have: both say so, each in its words.
            for printed in [&mut got, &mut want] {
                let error = printed.as_object_mut().unwrap().remove("Error").unwrap();
                assert!(error.as_str().unwrap().contains("aux.go"), "{error}");
            }
        } else {
            assert!(want["Sum"].is_string(), "{want}");
        }
        assert_eq!(got, want, "{module}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_has_no_empty_list() {
    let scene = Scene::new();
    scene.server.set(Manner::FailPosts);
    let stoa = StoaProcess::command(STOA)
        .storage(&scene.dir.path().join("storage"))
        .args(&["--config", &scene.path("stoa.toml")])
        .start();
    let url = format!("{}/git.example/good.git/@v/list", stoa.url());
    let answer = http::get(&url).await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
}
