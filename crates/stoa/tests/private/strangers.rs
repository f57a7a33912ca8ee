//! Pages, redirects and rewrites of strangers: they open nothing that a credential or a private address is for.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stoa_testing::git_http::{GitHttp, Manner};
use stoa_testing::http::Response;
use stoa_testing::process::StoaProcess;

use crate::support::{MODULE, Place, files, get};

const SECRET: &str = "canary-7H/k@x:3";

/// A stranger's host, and one of the company with a repository behind a password.
struct Scene {
    place: Place,
    stranger: GitHttp,
    company: GitHttp,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let company = GitHttp::start(&place.repositories());
        let both = BASE64_STANDARD.encode(format!("bot:{SECRET}"));
        company.guard(&format!("Basic {both}"));
        let stranger = GitHttp::start(&place.path("nothing"));
        Self {
            place,
            stranger,
            company,
        }
    }

    /// The stranger's page for `evil.example/NAME`.
    fn page(&self, name: &str, tag: &str) {
        let html = format!("<meta name=\"go-import\" content=\"evil.example/{name} {tag}\">");
        self.stranger.page(&format!("/{name}"), &html);
    }

    /// Where the hosts are, and what is presented to that of the company.
    fn config(&self) -> String {
        let password = self.place.file("password", SECRET);
        format!(
            "[[rewrite]]\nfrom = \"https://evil.example/\"\nto = \"{0}/\"\n\
             [[rewrite]]\nfrom = \"https://git.corp.example/\"\nto = \"{1}/\"\n\
             [[rewrite]]\nfrom = \"https://corp.example/\"\nto = \"{1}/\"\n\
             [[credential]]\nmatch = \"{1}/\"\nusername = \"bot\"\npassword_file = \"{2}\"\n",
            self.stranger.url(),
            self.company.url(),
            password.display()
        )
    }

    /// Authorizations that the company's host was sent.
    fn presented(&self) -> usize {
        let seen = self.company.seen();
        seen.iter().filter(|seen| seen.authorization.is_some()).count()
    }

    /// Nothing of the repository came out, and nobody but its own host was sent a password.
    #[track_caller]
    fn assert_closed(&self, answer: &Response) {
        assert!(answer.status >= 400, "{} {}", answer.status, answer.text());
        assert!(!answer.text().contains("v1.1.0"), "{}", answer.text());
        let sent = self
            .stranger
            .seen()
            .iter()
            .any(|seen| seen.authorization.is_some());
        assert!(!sent, "the stranger got a password");
    }
}

async fn all_of(stoa: &StoaProcess, module: &str) -> Vec<Response> {
    let mut answers = Vec::new();
    for what in [
        "@v/list",
        "@latest",
        "@v/v1.0.0.info",
        "@v/v1.0.0.mod",
        "@v/v1.0.0.zip",
    ] {
        answers.push(get(stoa, &format!("{module}/{what}")).await);
    }
    answers
}

#[tokio::test]
async fn a_page_of_a_stranger_reads_no_private_repository() {
    for private_addresses in [false, true] {
        let scene = Scene::new();
        let own = format!("{}/tools.git", scene.company.url());
        for (name, repo) in [
            ("named", "https://git.corp.example/tools.git"),
            ("plain", own.as_str()),
        ] {
            scene.page(name, &format!("git {repo}"));
        }
        let own_page =
            format!("<meta name=\"go-import\" content=\"{MODULE} git https://git.corp.example/tools.git\">");
        scene.company.page("/tools", &own_page);
        let config = format!(
            "vcs.private = \"corp.example\"\nvcs.insecure = \"evil.example\"\n\
             vcs.allow_private_addresses = {private_addresses}\n{}",
            scene.config()
        );
        let stoa = scene.place.stoa(&config).start();
        for round in 1..=2 {
            scene.company.clear();
            for name in ["named", "plain"] {
                for answer in all_of(&stoa, &format!("evil.example/{name}")).await {
                    scene.assert_closed(&answer);
                }
            }
            assert_eq!(scene.presented(), 0, "{:?}", scene.company.seen());
            assert_eq!(scene.company.seen().is_empty(), !private_addresses);
            // The module itself is answered all the same, and what was found for it opens nothing for the others.
            for answer in all_of(&stoa, MODULE).await {
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
            // In the second round they are stored.
            assert!(scene.presented() > 0 || round == 2);
        }
        let stored = files(&scene.place.path("storage"));
        let evil = |path: &std::path::PathBuf| path.to_string_lossy().contains("evil.example");
        assert!(!stored.iter().any(evil), "{stored:?}");
    }
}

#[tokio::test]
async fn a_module_needs_a_name_and_a_pattern_for_everything_is_none() {
    let scene = Scene::new();
    let page =
        format!("<meta name=\"go-import\" content=\"{MODULE} git https://git.corp.example/tools.git\">");
    scene.stranger.page("/tools", &page);
    let pages = format!(
        "[[rewrite]]\nfrom = \"https://corp.example/tools\"\nto = \"{}/tools\"\n",
        scene.stranger.url()
    );
    for (names, is_named) in [
        ("", false),
        ("vcs.private = \"*\"\n", false),
        ("vcs.private = \"*/*,*.example,other.example\"\n", false),
        ("[[route]]\nmatch = \"*\"\nupstream = \"direct\"\n", false),
        ("vcs.private = \"*,corp.example/*\"\n", true),
        (
            "[[route]]\nmatch = \"corp.example\"\nupstream = \"direct\"\n",
            true,
        ),
    ] {
        scene.company.clear();
        let (first, last) = if names.starts_with('[') {
            ("", names)
        } else {
            (names, "")
        };
        let config = format!("{first}{}{pages}{last}", scene.config());
        let stoa = scene.place.stoa(&config).start();
        let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
        assert_eq!(
            answer.status == 200,
            is_named,
            "{names}: {} {}",
            answer.status,
            answer.text()
        );
        assert_eq!(scene.presented() > 0, is_named, "{names}");
    }
}

#[tokio::test]
async fn a_redirect_hands_the_word_to_a_stranger() {
    let scene = Scene::new();
    // The stranger says where the company's module is, behind a redirect of the company's own page server.
    let pages = GitHttp::start(&scene.place.path("nothing"));
    let tag =
        format!("<meta name=\"go-import\" content=\"{MODULE} git https://git.corp.example/tools.git\">");
    scene.stranger.page("/tools", &tag);
    pages.set(Manner::Redirect(scene.stranger.url()));
    let config = |names: &str| {
        format!(
            "vcs.private = \"{names}\"\nvcs.allow_private_addresses = true\n{}\
             [[rewrite]]\nfrom = \"https://corp.example/tools\"\nto = \"{}/tools\"\n",
            scene.config(),
            pages.url()
        )
    };
    let stoa = scene.place.stoa(&config("corp.example")).start();
    let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
    scene.assert_closed(&answer);
    assert!(!scene.stranger.seen().is_empty() && !scene.company.seen().is_empty());
    assert_eq!(scene.presented(), 0);
    drop(stoa);
    // Its own word counts.
    pages.set(Manner::Serve);
    pages.page("/tools", &tag);
    let stoa = scene.place.stoa(&config("corp.example")).start();
    let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
    assert_eq!(answer.text(), "v1.0.0\nv1.1.0\n");
}

#[tokio::test]
async fn a_mirror_serves_the_paths_of_its_host_and_no_page_of_another() {
    let scene = Scene::new();
    scene.company.unguard();
    fs::create_dir_all(scene.place.path("repositories/github/corp")).unwrap();
    for name in ["tools", "later"] {
        let link = scene.place.path(&format!("repositories/github/corp/{name}"));
        std::os::unix::fs::symlink(scene.place.path("repositories/tools.git"), link).unwrap();
    }
    scene.page("hub", "git https://github.com/corp/tools");
    scene.page("sub", "git https://git.corp.example/tools.git");
    let mirror = format!(
        "[[rewrite]]\nfrom = \"https://github.com/\"\nto = \"{}/github/\"\n",
        scene.company.url()
    );
    let address = scene.company.url().trim_start_matches("http://").to_owned();
    let stoa = scene.place.stoa(&format!("{}{mirror}", scene.config())).start();
    for module in ["evil.example/hub", "evil.example/sub"] {
        for answer in all_of(&stoa, module).await {
            scene.assert_closed(&answer);
            assert_eq!(answer.status, 403, "{}", answer.text());
            assert!(
                !answer.text().contains(&address) && !answer.text().contains("127.0.0.1"),
                "{}",
                answer.text()
            );
        }
    }
    assert!(scene.company.seen().is_empty(), "{:?}", scene.company.seen());
    let answer = get(&stoa, "github.com/corp/tools/@v/list").await;
    assert_eq!(answer.text(), "v1.0.0\nv1.1.0\n");
    assert_eq!(scene.presented(), 0, "nothing names the module");
    // The origin is what was named, as with git's insteadOf, and errors do not tell the mirror's address either.
    let info = get(&stoa, "github.com/corp/tools/@v/v1.0.0.info").await;
    assert!(
        info.text().contains("\"URL\":\"https://github.com/corp/tools\""),
        "{}",
        info.text()
    );
    let missing = get(&stoa, "github.com/corp/none/@v/list").await;
    assert!(missing.status >= 400);
    let both = BASE64_STANDARD.encode(format!("bot:{SECRET}"));
    scene.company.guard(&format!("Basic {both}"));
    let closed = get(&stoa, "github.com/corp/later/@v/list").await;
    assert!(closed.status >= 400, "{}", closed.text());
    for answer in [info, missing, closed] {
        assert!(
            !answer.text().contains(&address) && !answer.text().contains("127.0.0.1"),
            "{}",
            answer.text()
        );
    }
    drop(stoa);
    // A mirror with a password wants the module named.
    let route = "[[route]]\nmatch = \"github.com\"\nupstream = \"direct\"\n";
    let stoa = scene
        .place
        .stoa(&format!("{}{mirror}{route}", scene.config()))
        .start();
    let answer = get(&stoa, "github.com/corp/tools/@v/v1.1.0.info").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(scene.presented() > 0);
    for answer in all_of(&stoa, "evil.example/hub").await {
        scene.assert_closed(&answer);
    }
}

#[tokio::test]
async fn submodules_of_a_strangers_repository_are_not_followed() {
    let scene = Scene::new();
    scene.place.repositories_with("evil", |work| {
        format!(
            "printf 'module evil.example/own\\n' >{work}/go.mod; echo 'package own' >{work}/own.go; \
             printf '[submodule \"s\"]\\n\\tpath = s\\n\\turl = {0}/tools.git\\n' >{work}/.gitmodules; \
             git -C {work} update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,s",
            scene.company.url()
        )
    });
    let server = GitHttp::start(&scene.place.path("evil"));
    let config = format!(
        "vcs.private = \"corp.example\"\nvcs.allow_private_addresses = true\n{}\
         [[rewrite]]\nfrom = \"https://evil.example/own\"\nto = \"{}/own\"\n",
        scene.config(),
        server.url()
    );
    server.page(
        "/own",
        "<meta name=\"go-import\" content=\"evil.example/own git https://evil.example/own.git\">",
    );
    let config = format!(
        "{config}[[rewrite]]\nfrom = \"https://evil.example/own.git\"\nto = \"{}/evil.git\"\n",
        server.url()
    );
    let stoa = scene.place.stoa(&config).start();
    let answer = get(&stoa, "evil.example/own/@v/v1.0.0.zip").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(scene.company.seen().is_empty(), "{:?}", scene.company.seen());
}
