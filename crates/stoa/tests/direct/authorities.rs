//! An own certificate authority is believed by pages, upstreams and every program alike, and a certificate that does not
//! verify says so.

use std::fs;
use std::path::Path;

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;
use stoa_testing::process::{StoaCommand, StoaProcess};
use stoa_testing::upstream::Upstream;
use stoa_testing::vcweb::{self, VcWeb};
use tempfile::TempDir;

use crate::STOA;
use crate::own_authority::{Flaw, OwnAuthority};
use crate::tls::TlsFront;

/// Modules behind programs that are asked over https, and one whose page is asked first. No web server for Subversion is at
/// hand, and Fossil tells a server its name with the port, if that is not 443, which the one here refuses.
const MODULES: [&str; 4] = ["git/hello.git", "hg/hello.hg", "bzr/hello.bzr", "go/v2module/v2"];

struct Scene {
    directory: TempDir,
    vcweb: VcWeb,
    upstream: Upstream,
    authority: OwnAuthority,
    fixture: ModuleFixture,
}

impl Scene {
    async fn new() -> Self {
        let directory = stoa_testing::scene::private_directory();
        let vcweb = VcWeb::start();
        for repository in ["git/hello", "git/v2repo", "hg/hello", "bzr/hello"] {
            vcweb::make(&format!("{}/{repository}", vcweb.url()));
        }
        let upstream = Upstream::start().await;
        let fixture = ModuleFixture::new("up.example/greet", "v1.0.0");
        upstream.module(&fixture);
        Self {
            authority: OwnAuthority::new(directory.path()),
            directory,
            vcweb,
            upstream,
            fixture,
        }
    }

    /// stoa that reaches all through servers with certificates. Mercurial and Subversion compare no addresses with what is
    /// in a certificate, so they are asked by name.
    async fn stoa(&self, name: &str, flaw: Flaw, settings: &str) -> (StoaCommand, [TlsFront; 2]) {
        let fronts = [
            self.authority.front(self.vcweb.url(), flaw).await,
            self.authority.front(&self.upstream.url(), flaw).await,
        ];
        let place = self.directory.path().join(name);
        fs::create_dir(&place).unwrap();
        let named = |front: &TlsFront| front.url().replace("127.0.0.1", "localhost");
        let text = format!(
            "upstream = \"direct\"\ncache.negative_ttl = \"0s\"\nvcs.allow = \"*:all\"\nvcs.private = \"vcs-test.golang.org\"\n\
             vcs.cache = \"{}\"\n{settings}\n\
             [[route]]\nmatch = \"up.example\"\nupstream = \"{}\"\n\
             [[rewrite]]\nfrom = \"https://vcs-test.golang.org/\"\nto = \"{}/\"\n",
            place.join("vcs").display(),
            named(&fronts[1]),
            named(&fronts[0]),
        );
        let config = place.join("stoa.toml");
        fs::write(&config, text).unwrap();
        let command = StoaProcess::command(STOA)
            .storage(&place.join("storage"))
            .args(&["--config", config.to_str().unwrap()]);
        (command, fronts)
    }

    fn setting(&self) -> String {
        format!("tls.ca = \"{}\"", self.authority.file.display())
    }
}

async fn get(stoa: &StoaProcess, path: &str) -> (u16, String) {
    let url = format!("{}/{path}", stoa.url());
    let answer = http::get(&url).await;
    let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}\n{}", stoa.output()));
    (answer.status, answer.text().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_name_an_authority_reaches_pages_upstreams_and_every_program() {
    let scene = Scene::new().await;
    // The names of the files of such a folder are sums of what is in them.
    let folder = scene.directory.path().join("certificates");
    fs::create_dir(&folder).unwrap();
    fs::copy(&scene.authority.file, folder.join("0a1b2c3d.0")).unwrap();
    let file = scene.authority.file.to_str().unwrap().to_owned();
    for (name, settings, variable) in [
        ("key", scene.setting(), None),
        ("variable", String::new(), Some(("STOA_TLS_CA", file.as_str()))),
        ("file", String::new(), Some(("SSL_CERT_FILE", file.as_str()))),
        (
            "folder",
            String::new(),
            Some(("SSL_CERT_DIR", folder.to_str().unwrap())),
        ),
    ] {
        let (command, _fronts) = scene.stoa(name, Flaw::None, &settings).await;
        let command = match variable {
            Some((variable, value)) => command.env(variable, value),
            None => command,
        };
        let stoa = command.start();
        for module in MODULES {
            let (status, text) = get(&stoa, &format!("vcs-test.golang.org/{module}/@latest")).await;
            assert_eq!(status, 200, "{name} {module}: {text}");
            assert!(text.contains("\"Version\":"), "{name} {module}: {text}");
        }
        let (status, text) = get(&stoa, "up.example/greet/@v/v1.0.0.mod").await;
        let want = String::from_utf8_lossy(&scene.fixture.go_mod()).into_owned();
        assert_eq!((status, text), (200, want), "{name}");
        assert_one_file(&scene.directory.path().join(name).join("vcs/authorities"));
    }
}

/// What programs are given is alone in its folder.
#[track_caller]
fn assert_one_file(folder: &Path) {
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["all.pem"], "{}", folder.display());
}

/// What each program can tell of a certificate that is not valid: git does so if it is built with `OpenSSL`.
const UNTOLD: &str =
    "it has expired, is not valid yet, is for another name, or no authority that is known here has signed it";

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_verify_is_502_and_says_whose_and_why() {
    let scene = Scene::new().await;
    for (name, flaw, settings, cause) in [
        (
            "unknown",
            Flaw::None,
            String::new(),
            "no authority that is known here has signed it",
        ),
        ("expired", Flaw::Expired, scene.setting(), "it has expired"),
        (
            "other",
            Flaw::OtherName,
            scene.setting(),
            "it is for another name",
        ),
    ] {
        let (command, _fronts) = scene.stoa(name, flaw, &settings).await;
        let stoa = command.start();
        // Places that were rewritten are not shown.
        let asked = MODULES.map(|module| ("vcs-test.golang.org", module)).into_iter();
        let asked = asked.chain([("vcs-test.golang.org", "svn/hello.svn")]);
        for (host, module) in asked {
            let (status, text) = get(&stoa, &format!("vcs-test.golang.org/{module}/@latest")).await;
            let begin = format!("the certificate of {host} does not verify: ");
            let (_, said) = text
                .split_once(&begin)
                .unwrap_or_else(|| panic!("{name} {module}: {status} {text}"));
            let is_told = said.starts_with(cause);
            let may_be_untold = module.starts_with("git") || module.starts_with("go/");
            assert!(
                is_told || may_be_untold && said.starts_with(UNTOLD),
                "{name} {module}: {text}"
            );
            assert_eq!(status, 502, "{name} {module}: {text}");
        }
        let (status, text) = get(&stoa, "up.example/greet/@v/v1.0.0.mod").await;
        let want = format!("the certificate of localhost does not verify: {cause}");
        assert!(text.contains(&want), "{name}: {text}");
        assert_eq!(status, 502, "{name}: {text}");
    }
}

#[tokio::test]
async fn a_file_without_authorities_is_a_fault_before_the_start() {
    let directory = stoa_testing::scene::private_directory();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("empty.pem"), "").unwrap();
    for (file, want) in [
        ("missing.pem", "No such file or directory"),
        ("empty.pem", "no certificate in it"),
    ] {
        for command in [&["serve"][..], &["config", "check"]] {
            let ran = std::process::Command::new(STOA)
                .args(command)
                .env_clear()
                .env("STOA_STORAGE", path("storage"))
                .env("STOA_TLS_CA", path(file))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert_eq!(ran.status.code(), Some(64), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            let place = format!("tls.ca: {}: ", path(file));
            assert!(said.contains(&place) && said.contains(want), "{said}");
        }
    }
}
