//! GOPROXY upstreams: what they are asked, and with what.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stoa_testing::git_http::GitHttp;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::{Request, Upstream};

use crate::support::{MODULE, Place, assert_all, get, questions};

const SECRET: &str = "canary-7H/k@x:3";

fn list() -> String {
    format!("{MODULE}/@v/list")
}

#[tokio::test]
async fn a_private_module_is_never_asked_of_the_default_upstream() {
    let place = Place::new();
    let (public, git) = (Upstream::start().await, GitHttp::start(&place.repositories()));
    let config = format!(
        "vcs.private = \"corp.example\"\n\
         [[rewrite]]\nfrom = \"https://corp.example/\"\nto = \"{0}/\"\n\
         [[vcs.module]]\nprefix = \"{MODULE}\"\nvcs = \"git\"\nrepo = \"{0}/tools.git\"\n",
        git.url()
    );
    for list in [
        format!("{},direct", public.url()),
        public.url(),
        format!("{}|off", public.url()),
    ] {
        let stoa = place.stoa(&config).upstream(&list).start();
        assert_all(&questions(&stoa).await, 200);
        // Nor one that does not exist: that would tell its name.
        assert_ne!(get(&stoa, "corp.example/secret-plan/@v/list").await.status, 200);
        if !list.ends_with("direct") {
            assert_ne!(get(&stoa, "public.example/x/@v/list").await.status, 200);
        }
        std::fs::remove_dir_all(place.path("storage")).unwrap();
    }
    let asked: Vec<_> = public.requests().iter().map(Request::line).collect();
    assert!(
        !asked.is_empty() && asked.iter().all(|line| line.contains("public.example")),
        "{asked:?}"
    );
    // A route says otherwise.
    let own = Upstream::start().await;
    own.on(&format!("/{}", list()), Reply::ok("v1.9.0\n"));
    let route = format!(
        "{config}[[route]]\nmatch = \"{MODULE}\"\nupstream = \"{}\"\n",
        own.url()
    );
    let stoa = place.stoa(&route).upstream(&public.url()).start();
    assert_eq!(get(&stoa, &list()).await.text(), "v1.9.0\n");
}

#[tokio::test]
async fn upstreams_are_rewritten_and_presented_what_is_configured_for_where_they_are() {
    let place = Place::new();
    let (mirror, other) = (Upstream::start().await, Upstream::start().await);
    mirror.on(&format!("/go/{}", list()), Reply::ok("v1.0.0\n"));
    let file = place.file("password", SECRET);
    let config = format!(
        "[[rewrite]]\nfrom = \"https://goproxy.example/\"\nto = \"{0}/\"\n\
         [[rewrite]]\nfrom = \"https://goproxy.example/deep\"\nto = \"{0}/go\"\n\
         [[credential]]\nmatch = \"{0}/go\"\nusername = \"bot\"\npassword_file = {file:?}\n",
        mirror.url()
    );
    let upstream = "https://me:mine@goproxy.example/deep";
    let stoa = place.stoa(&config).upstream(upstream).start();
    assert_eq!(get(&stoa, &list()).await.text(), "v1.0.0\n");
    let shown = mirror.requests()[0].header("authorization").map(str::to_owned);
    let want = format!("Basic {}", BASE64_STANDARD.encode(format!("bot:{SECRET}")));
    assert_eq!(shown, Some(want), "not what was written for another host");
    assert!(!stoa.output().contains(SECRET) && !stoa.output().contains("mine@"));
    drop(stoa);

    // Within the origin a redirect keeps what fits the new URL; outside of it there is none.
    for (to, allowed, status) in [
        (format!("{}/go/elsewhere", mirror.url()), false, 200),
        (format!("{}/elsewhere", other.url()), false, 403),
        (format!("{}/elsewhere", other.url()), true, 200),
    ] {
        mirror.on("/go/elsewhere", Reply::ok("v1.1.0\n"));
        other.on("/elsewhere", Reply::ok("v1.2.0\n"));
        mirror.on(&format!("/go/{}", list()), Reply::Redirect(to.clone()));
        let config = format!("vcs.allow_private_addresses = {allowed}\n{config}");
        let stoa = place.stoa(&config).upstream(upstream).start();
        let answer = get(&stoa, &list()).await;
        assert_eq!(answer.status, status, "{to}: {}", answer.text());
    }
    let seen = mirror.requests();
    let last = seen.iter().filter(|request| request.path == "/go/elsewhere");
    assert!(
        last.clone().count() == 1
            && last
                .clone()
                .all(|request| request.header("authorization").is_some())
    );
    assert_eq!(other.total(), 1);
    assert!(
        other
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn an_upstream_that_does_not_let_us_in_is_a_failure() {
    let place = Place::new();
    let upstream = Upstream::start().await;
    upstream.on_everything(Reply::text(401, "who are you"));
    let stoa = place.stoa("").upstream(&upstream.url()).start();
    let answer = get(&stoa, &list()).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("401"), "{}", answer.text());
}

#[tokio::test]
async fn a_proxy_that_a_page_names_is_presented_what_is_configured_for_it() {
    let place = Place::new();
    let (pages, proxy) = (GitHttp::start(&place.path("nothing")), Upstream::start().await);
    pages.page(
        "/tools",
        &format!("<meta name=\"go-import\" content=\"{MODULE} mod https://mod.example\">"),
    );
    proxy.on(&format!("/{}", list()), Reply::ok("v1.0.0\n"));
    let file = place.file("token", SECRET);
    let config = format!(
        "vcs.private = \"corp.example\"\n\
         [[rewrite]]\nfrom = \"https://corp.example/\"\nto = \"{}/\"\n\
         [[rewrite]]\nfrom = \"https://mod.example/\"\nto = \"{1}/\"\n\
         [[credential]]\nmatch = \"{1}\"\ntoken_file = {file:?}\n",
        pages.url(),
        proxy.url()
    );
    let stoa = place.stoa(&config).start();
    assert_eq!(get(&stoa, &list()).await.text(), "v1.0.0\n");
    let shown = proxy.requests()[0].header("authorization").map(str::to_owned);
    assert_eq!(shown, Some(format!("Bearer {SECRET}")));
    assert!(pages.seen().iter().all(|seen| seen.authorization.is_none()));
}
