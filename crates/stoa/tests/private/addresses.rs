//! Strangers cannot send stoa to its neighbours: not a packet arrives.

use stoa_testing::git_http::{GitHttp, Manner};
use stoa_testing::upstream::Upstream;

use crate::support::{MODULE, Place, get};

/// What makes corp.example be at a server of this machine, which is no stranger then.
fn rewrite(server: &GitHttp) -> String {
    format!(
        "[[rewrite]]\nfrom = \"https://corp.example/\"\nto = \"{}/\"\n",
        server.url()
    )
}

#[tokio::test]
async fn pages_and_repositories_cannot_lead_to_private_addresses() {
    let place = Place::new();
    let (server, victim) = (GitHttp::start(&place.repositories()), Upstream::start().await);
    let port = victim.address().port();
    for (module, tag) in [
        ("corp.example/direct", format!("git http://127.0.0.1:{port}/x")),
        (
            "corp.example/mapped",
            format!("git https://[::ffff:7f00:1]:{port}/x"),
        ),
        ("corp.example/zero", format!("git https://0.0.0.0:{port}/x")),
        ("corp.example/ssh", format!("git ssh://git@127.0.0.1:{port}/x")),
        (
            "corp.example/number",
            format!("git ssh://git@2130706433:{port}/x"),
        ),
        ("corp.example/hg", format!("hg https://127.0.0.1:{port}/x")),
        ("corp.example/mod", format!("mod http://127.0.0.1:{port}/x")),
        ("corp.example/local", format!("mod http://localhost:{port}/x")),
    ] {
        let page = format!("<meta name=\"go-import\" content=\"{module} {tag}\">");
        server.page(module.trim_start_matches("corp.example"), &page);
    }
    let insecure = "vcs.allow = \"public:all\"\nvcs.insecure = \"corp.example\"\n";
    let stoa = place.stoa(&format!("{insecure}{}", rewrite(&server))).start();
    for module in ["direct", "mapped", "zero", "ssh", "number", "hg", "mod", "local"] {
        let answer = get(&stoa, &format!("corp.example/{module}/@v/list")).await;
        assert_eq!(answer.status, 403, "{module}: {}", answer.text());
        assert!(
            answer.text().contains("is not a public host"),
            "{}",
            answer.text()
        );
    }
    // A module path is a stranger's idea of a host, too.
    for host in ["127.0.0.1", "localhost.localdomain", "metadata.google.internal"] {
        let answer = get(&stoa, &format!("{host}/x/@v/list")).await;
        assert_eq!(answer.status, 403, "{host}: {}", answer.text());
    }
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn redirects_cannot_lead_to_private_addresses() {
    let place = Place::new();
    let (server, victim) = (GitHttp::start(&place.repositories()), Upstream::start().await);
    server.set(Manner::Redirect(victim.url()));
    // A page, by the dispatcher; a repository, by git and by hg.
    let repo = |vcs: &str| {
        format!(
            "[[vcs.module]]\nprefix = \"own.example/{vcs}\"\nvcs = \"{vcs}\"\nrepo = \"{}/x\"\n",
            server.url()
        )
    };
    let config = format!("{}{}", repo("git"), rewrite(&server));
    let stoa = place.stoa(&config).start();
    let answer = get(&stoa, &format!("{MODULE}/@v/list")).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("redirected to"), "{}", answer.text());
    let answer = get(&stoa, "own.example/git/@v/list").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let asked = server.seen();
    assert!(
        asked.iter().any(|seen| seen.line.contains("info/refs")),
        "git came: {asked:?}"
    );
    assert_eq!(victim.connections(), 0);
    drop(stoa);
    // Where it is allowed, both arrive: they would have been seen.
    let stoa = place
        .stoa(&format!("vcs.allow_private_addresses = true\n{config}"))
        .start();
    let _ = get(&stoa, &format!("{MODULE}/@v/list")).await;
    assert!(victim.connections() > 0);
    let before = victim.connections();
    let _ = get(&stoa, "own.example/git/@v/list").await;
    assert!(victim.connections() > before);
}
