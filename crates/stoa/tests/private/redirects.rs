//! A server that a password is for, and that sends the program elsewhere: the password does not go along.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stoa_testing::git_http::{GitHttp, Manner};

use crate::support::{MODULE, Place, assert_all, get, questions};

const SECRET: &str = "canary-4711";

/// A server behind a password, and what makes corp.example/tools be there in a repository of this system.
fn guarded(place: &Place, vcs: &str, credential: &str) -> (GitHttp, String) {
    let server = GitHttp::start(&place.repositories());
    let file = place.file("password", SECRET);
    let url = server.url();
    let config = format!(
        "vcs.private = \"corp.example\"\n[[vcs.module]]\nprefix = \"{MODULE}\"\nvcs = \"{vcs}\"\n\
         repo = \"{url}/tools.git\"\n[[credential]]\nmatch = \"{url}/\"\n{}\n",
        credential.replace("FILE", &format!("\"{}\"", file.display()))
    );
    (server, config)
}

const BASIC: &str = "username = \"bot\"\npassword_file = FILE";

fn basic() -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("bot:{SECRET}")))
}

#[tokio::test]
async fn no_program_takes_its_password_to_another_server() {
    for everywhere in [true, false] {
        for vcs in ["hg", "git", "svn", "bzr"] {
            let place = Place::new();
            let (server, config) = guarded(&place, vcs, BASIC);
            let other = GitHttp::start(&place.path("nothing"));
            // It lets the program in first: hg shows a password that was good once wherever it is sent.
            server.guard(&basic()).set(Manner::Redirect(other.url()));
            other.guard("nobody");
            let config = format!("vcs.allow_private_addresses = {everywhere}\n{config}");
            let stoa = place.stoa(&config).start();
            let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
            assert_eq!(answer.status, 502, "{vcs}: {}", answer.text());
            let seen = server.seen();
            assert!(
                seen.iter().any(|seen| seen.authorization.is_some()),
                "{vcs}: {seen:?}"
            );
            // Not one request comes, with a password or without.
            let seen = other.seen();
            assert!(seen.is_empty(), "{vcs}: {seen:?}");
            if vcs != "svn" {
                // svn does not follow by itself, and says so.
                let why = "and its credential is for another server";
                assert!(answer.text().contains(why), "{vcs}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_token_does_not_leave_its_server_either() {
    let place = Place::new();
    let (server, config) = guarded(&place, "git", "token_file = FILE");
    let other = GitHttp::start(&place.path("nothing"));
    server
        .guard(&format!("Bearer {SECRET}"))
        .set(Manner::Redirect(other.url()));
    let stoa = place.stoa(&config).start();
    let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!server.seen().is_empty());
    assert!(other.seen().is_empty(), "{:?}", other.seen());
}

#[tokio::test]
async fn a_redirect_on_the_same_server_is_followed() {
    for (credential, wanted) in [
        (BASIC, basic()),
        ("token_file = FILE", format!("Bearer {SECRET}")),
    ] {
        let place = Place::new();
        let (server, config) = guarded(&place, "git", credential);
        let config = config.replace("/tools.git\"", "/old/tools.git\"");
        server.guard(&wanted).set(Manner::Moved("/old".to_owned()));
        let stoa = place.stoa(&config).start();
        let answers = questions(&stoa).await;
        let seen = server.seen();
        assert_eq!(answers[0].text(), "v1.0.0\nv1.1.0\n", "{seen:?}");
        assert_all(&answers, 200);
        assert!(
            seen.iter()
                .any(|seen| seen.line.starts_with("GET /old/tools.git")),
            "{seen:?}"
        );
        assert!(
            seen.iter().any(|seen| seen.line.starts_with("POST /tools.git")),
            "{seen:?}"
        );
    }
}
