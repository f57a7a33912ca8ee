//! Canary passwords and keys: a server that writes down what it is sent, and strangers who lead every system to it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stoa_testing::git_http::GitHttp;
use stoa_testing::reply::Reply;
use stoa_testing::sshd::Sshd;
use stoa_testing::upstream::Upstream;

use crate::ssh::Agent;
use crate::support::{MODULE, Place, get};
use crate::tls::TlsFront;

const SECRET: &str = "canary-7H/k@x:3";

/// Pages of evil.example and of corp.example, one for each system, all of which lead to `repo`.
fn pages(server: &GitHttp, repo: &str) {
    for host in ["evil", "corp"] {
        for vcs in ["git", "hg", "svn", "bzr", "mod"] {
            let tag = format!("{host}.example/{host}-{vcs} {vcs} {repo}/{host}-{vcs}");
            let html = format!("<meta name=\"go-import\" content=\"{tag}\">");
            server.page(&format!("/{host}-{vcs}"), &html);
        }
    }
}

fn hosts(pages: &GitHttp) -> String {
    let rewrite = |host: &str| {
        format!(
            "[[rewrite]]\nfrom = \"https://{host}.example/\"\nto = \"{}/\"\n",
            pages.url()
        )
    };
    rewrite("evil") + &rewrite("corp")
}

#[tokio::test]
async fn a_password_is_for_named_modules_whatever_the_system() {
    let place = Place::new();
    let (server, sink) = (
        GitHttp::start(&place.path("nothing")),
        GitHttp::start(&place.path("nothing")),
    );
    sink.guard("nobody is let in");
    pages(&server, &sink.url());
    let password = place.file("password", SECRET);
    let config = format!(
        "vcs.private = \"corp.example\"\nvcs.allow = \"*:all\"\nvcs.insecure = \"*\"\n\
         vcs.allow_private_addresses = true\n{}\
         [[credential]]\nmatch = \"{}/\"\nusername = \"bot\"\npassword_file = {password:?}\n",
        hosts(&server),
        sink.url()
    );
    let stoa = place.stoa(&config).start();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("bot:{SECRET}")));
    for vcs in ["git", "hg", "svn", "bzr", "mod"] {
        for host in ["evil", "corp"] {
            let answer = get(&stoa, &format!("{host}.example/{host}-{vcs}/@v/list")).await;
            assert!(answer.status >= 400, "{vcs}: {}", answer.text());
        }
        let seen = sink.seen();
        let of = |host: &str| {
            let path = format!("/{host}-{vcs}");
            let of = seen.iter().filter(|seen| seen.line.contains(&path));
            of.map(|seen| seen.authorization.clone()).collect::<Vec<_>>()
        };
        let (evil, corp) = (of("evil"), of("corp"));
        assert!(
            !evil.is_empty() && evil.iter().all(Option::is_none),
            "{vcs}: {evil:?}"
        );
        assert!(corp.contains(&Some(basic.clone())), "{vcs}: {corp:?}");
    }
    assert!(server.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn a_netrc_file_is_for_named_modules() {
    let place = Place::new();
    let (server, sink) = (GitHttp::start(&place.path("nothing")), Upstream::start().await);
    sink.on_everything(Reply::text(404, "nothing here"));
    std::fs::create_dir_all(place.path("nothing")).unwrap();
    let front = TlsFront::start(&sink.url(), &place.path("nothing")).await;
    pages(&server, front.url());
    let machine = front.url().trim_start_matches("https://");
    let netrc = place.file(
        "netrc",
        &format!("machine {machine} login bot password {SECRET}\n"),
    );
    let config = format!(
        "vcs.private = \"corp.example\"\nvcs.allow = \"*:all\"\nvcs.netrc = {netrc:?}\n\
         vcs.allow_private_addresses = true\n{}",
        hosts(&server)
    );
    let certificate = front.certificate.to_str().unwrap().to_owned();
    let stoa = place.stoa(&config).env("SSL_CERT_FILE", &certificate).start();
    // Git believes the certificate as stoa does, so that both hear that there is nothing.
    for (host, vcs) in [("evil", "git"), ("evil", "mod"), ("corp", "mod")] {
        let answer = get(&stoa, &format!("{host}.example/{host}-{vcs}/@v/list")).await;
        assert_eq!(answer.status, 404, "{host} {vcs}: {}", answer.text());
        let mut requests = sink.requests();
        requests.retain(|request| request.path.starts_with(&format!("/{host}-{vcs}")));
        assert!(!requests.is_empty(), "{host} {vcs}");
        for request in &requests {
            let presented = request.header("authorization").is_some();
            assert_eq!(presented, host == "corp", "{host} {vcs}");
        }
    }
}

#[tokio::test]
async fn keys_and_agents_are_for_named_modules() {
    let (place, sshd) = (Place::new(), Sshd::start());
    let server = GitHttp::start(&place.path("nothing"));
    let repo = sshd.url(&place.repositories().join("tools.git"));
    let agent = Agent::start(&place, &sshd);
    for module in ["evil.example/tools", MODULE] {
        let html = format!("<meta name=\"go-import\" content=\"{module} git {repo}\">");
        server.page("/tools", &html);
        let hosts_file = sshd.file("known_hosts");
        for way in [
            format!("ssh_key = {:?}", sshd.file("client")),
            "ssh_agent = true".to_owned(),
        ] {
            let config = format!(
                "vcs.private = \"corp.example\"\nvcs.allow_private_addresses = true\n{}\
                 [[credential]]\nmatch = \"ssh://{}\"\n{way}\nknown_hosts = {hosts_file:?}\n",
                hosts(&server),
                sshd.authority()
            );
            let stoa = place
                .stoa(&config)
                .env("SSH_AUTH_SOCK", agent.socket.to_str().unwrap());
            let stoa = stoa.start();
            let answer = get(&stoa, &format!("{module}/@v/list")).await;
            let want = if module == MODULE { 200 } else { 502 };
            assert_eq!(answer.status, want, "{module} {way}: {}", answer.text());
        }
    }
}
