//! A repository and its page behind basic authentication.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stoa_testing::git_http::{GitHttp, Manner};

use crate::canary::{Canary, Executed};
use crate::support::{MODULE, Place, assert_all, get, questions};

const USER: &str = "bot";
const SECRET: &str = "canary-7H/k@x:3";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// A server behind a password, and what makes corp.example be there.
fn guarded(place: &Place) -> (GitHttp, String) {
    let server = GitHttp::start(&place.repositories());
    let page = format!("<meta name=\"go-import\" content=\"{MODULE} git https://corp.example/tools.git\">");
    server.page("/tools", &page).guard(&basic(USER, SECRET));
    let config = format!(
        "vcs.private = \"corp.example\"\n[[rewrite]]\nfrom = \"https://corp.example/\"\nto = \"{}/\"\n",
        server.url()
    );
    (server, config)
}

fn credential(server: &GitHttp, rest: &str) -> String {
    format!("[[credential]]\nmatch = \"{}/\"\n{rest}\n", server.url())
}

#[tokio::test]
async fn a_password_opens_pages_and_repositories_and_is_seen_nowhere() {
    let place = Place::new();
    let (server, config) = guarded(&place);
    let file = place.file("password", SECRET);
    let rest = format!("username = \"{USER}\"\npassword_file = {file:?}");
    let stoa = place
        .stoa(&format!("{config}{}", credential(&server, &rest)))
        .start();
    let executed = Executed::by(&stoa, &place);
    let answers = questions(&stoa).await;
    assert_all(&answers, 200);
    assert_eq!(answers[0].text(), "v1.0.0\nv1.1.0\n");
    assert_eq!(answers[2].text(), format!("module {MODULE}\n\ngo 1.21\n"));
    let seen = server.seen();
    let pages = seen.iter().filter(|seen| seen.line == "GET /tools?go-get=1");
    assert!(pages.clone().count() > 0, "{seen:?}");
    assert!(
        pages.clone().all(|seen| seen.authorization.is_some()),
        "sent from the first: {seen:?}"
    );
    Canary::password(USER, SECRET).assert_nowhere(&place, &stoa, &answers, &executed.end());
}

#[tokio::test]
async fn a_secret_of_the_environment_is_not_handed_down() {
    let place = Place::new();
    let (server, config) = guarded(&place);
    server.guard(&basic("x-access-token", SECRET));
    let credential = credential(&server, "token_env = \"TOKEN\"\nprovider = \"github\"");
    let stoa = place
        .stoa(&format!("{config}{credential}"))
        .env("TOKEN", SECRET)
        .start();
    let executed = Executed::by(&stoa, &place);
    let answers = questions(&stoa).await;
    assert_all(&answers, 200);
    Canary::password("x-access-token", SECRET).assert_nowhere(&place, &stoa, &answers, &executed.end());
}

#[tokio::test]
async fn a_wrong_password_is_a_failure_that_says_so_without_it() {
    for has_page in [true, false] {
        let place = Place::new();
        let (server, mut config) = guarded(&place);
        if !has_page {
            config = format!(
                "[[vcs.module]]\nprefix = \"{MODULE}\"\nvcs = \"git\"\nrepo = \"{}/tools.git\"\n",
                server.url()
            );
        }
        server.guard(&basic(USER, "another"));
        let file = place.file("password", SECRET);
        let rest = format!("username = \"{USER}\"\npassword_file = {file:?}");
        let config = format!("{config}{}", credential(&server, &rest));
        let stoa = place.stoa(&config).start();
        let executed = Executed::by(&stoa, &place);
        let answers = questions(&stoa).await;
        assert_all(&answers, 502);
        let said = answers[0].text();
        let why = if has_page {
            "answered 401 Unauthorized\nthe credential that is configured for it was refused"
        } else {
            "it refuses the user of the credential that is for it: "
        };
        assert!(said.contains(why), "{said}");
        let executed = executed.end();
        let executed = if has_page {
            "ls-remote is not come to"
        } else {
            &executed
        };
        place.file("storage/any", "");
        Canary::password(USER, SECRET).assert_nowhere(&place, &stoa, &answers, executed);
    }
}

#[tokio::test]
async fn a_page_that_leads_to_another_server_takes_no_password_there() {
    let place = Place::new();
    let (server, config) = guarded(&place);
    let other = GitHttp::start(&place.path("nothing"));
    other.guard("nobody");
    server.set(Manner::Redirect(other.url()));
    let file = place.file("password", SECRET);
    let rest = format!("username = \"{USER}\"\npassword_file = {file:?}");
    let config = format!(
        "vcs.allow_private_addresses = true\n{}{}",
        config,
        credential(&server, &rest)
    );
    let stoa = place.stoa(&config).start();
    let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
    assert_ne!(answer.status, 200, "{}", answer.text());
    // The repository, too: git is sent there.
    let module = format!(
        "[[vcs.module]]\nprefix = \"{MODULE}\"\nvcs = \"git\"\nrepo = \"{}/tools.git\"\n",
        server.url()
    );
    let stoa = place.stoa(&format!("{config}{module}")).start();
    let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let seen = other.seen();
    assert!(seen.iter().any(|seen| seen.line.contains("go-get=1")), "{seen:?}");
    // Git has a password, and so it is let to no other server at all.
    assert!(
        !seen.iter().any(|seen| seen.line.contains("info/refs")),
        "{seen:?}"
    );
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
    assert!(server.seen().iter().any(|seen| seen.authorization.is_some()));
}
