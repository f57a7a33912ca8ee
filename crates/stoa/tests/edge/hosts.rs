//! Which host names are answered: a web page whose name was made to point here reads nothing.

use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use tokio::task::JoinSet;

use crate::http2::{ask, connect};
use crate::support::{assert_error, get_with, scene};

const REBOUND: &str = "rebind.attacker.example";
const REASON: &str = "does not answer for the host name that was asked for";

async fn status(stoa: &StoaProcess, path: &str, host: &str) -> u16 {
    get_with(stoa, path, &[("Host", host)]).await.status
}

#[tokio::test]
async fn on_a_loopback_address_only_loopback_names_are_answered() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_ALLOWED_HOSTS", "")]);
    let zip = scene.greet().url_path("zip");
    let refused = get_with(&stoa, &zip, &[("Host", REBOUND)]).await;
    assert_error("cold", &refused, 421, REASON);
    assert_eq!(scene.upstream.total(), 0);
    for _ in 0..2 {
        assert_eq!(status(&stoa, &zip, "localhost").await, 200);
    }
    let refused = get_with(&stoa, &zip, &[("Host", REBOUND)]).await;
    assert_error("from hot memory", &refused, 421, REASON);
    let port = stoa.url().rsplit_once(':').unwrap().1;
    for good in [
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "127.0.0.1",
        "127.3.2.1",
        "[::1]",
        "",
    ] {
        assert_eq!(status(&stoa, &zip, good).await, 200, "{good}");
        if !good.is_empty() {
            assert_eq!(
                status(&stoa, &zip, &format!("{good}:{port}")).await,
                200,
                "{good}"
            );
        }
    }
    for page in [
        "/",
        "/healthz",
        "/readyz",
        "/version",
        "/metrics",
        "/api/v1/version",
        "/x",
    ] {
        let refused = get_with(&stoa, page, &[("Host", &format!("{REBOUND}:{port}"))]).await;
        assert_error(page, &refused, 421, REASON);
    }
    for bad in [
        "10.0.0.1",
        "localhost.attacker.example",
        "xlocalhost",
        "127.0.0.1.attacker.example",
        "é",
    ] {
        assert_eq!(status(&stoa, &zip, bad).await, 421, "{bad}");
    }
    stoa.wait_for_log("status=421");
}

#[tokio::test]
async fn every_way_to_name_a_host_is_looked_at() {
    let scene = scene();
    let stoa = scene.start_with(&[("STOA_ALLOWED_HOSTS", "")]);
    let address = stoa.url().trim_start_matches("http://").parse().unwrap();
    let path = scene.greet().url_path("mod");
    for (request, want) in [
        (format!("GET {path} HTTP/1.1\r\nHost: {REBOUND}\r\n\r\n"), 421),
        (
            format!("GET http://{REBOUND}{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            421,
        ),
        (
            format!("GET http://localhost{path} HTTP/1.1\r\nHost: {REBOUND}\r\n\r\n"),
            421,
        ),
        (
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nHost: {REBOUND}\r\n\r\n"),
            421,
        ),
        (format!("GET {path} HTTP/1.0\r\nHost: {REBOUND}\r\n\r\n"), 421),
        (
            format!("GET http://localhost{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            200,
        ),
        (format!("GET {path} HTTP/1.1\r\n\r\n"), 200),
        (format!("GET {path} HTTP/1.0\r\n\r\n"), 200),
    ] {
        let answer = http::raw(address, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, want, "{request:?}");
    }
    let mut tasks = JoinSet::new();
    let client = connect(&stoa, &mut tasks).await;
    for (host, want) in [(REBOUND, 421), ("localhost:1", 200), ("127.0.0.1", 200)] {
        let (status, _) = ask(client.clone(), format!("http://{host}{path}")).await;
        assert_eq!(status, want, "{host}");
    }
}

#[tokio::test]
async fn the_names_of_the_list_are_answered_on_any_listener() {
    let scene = scene();
    let path = scene.greet().url_path("mod");
    let list = "goproxy.corp.example, *.go.example";
    let stoa = scene.start_with(&[("STOA_ALLOWED_HOSTS", list)]);
    for (host, want) in [
        ("goproxy.corp.example", 200),
        ("GOPROXY.corp.example:8443", 200),
        ("a.go.example", 200),
        ("go.example", 421),
        ("localhost", 200),
        (REBOUND, 421),
    ] {
        assert_eq!(status(&stoa, &path, host).await, want, "{host}");
    }
    // A listener that others can reach answers for any name, unless there is a list. Addresses are nobody's page.
    for (list, rebound) in [("", 200), (list, 421)] {
        let stoa = scene
            .stoa()
            .listen("0.0.0.0:0")
            .env("STOA_ALLOWED_HOSTS", list)
            .start();
        assert_eq!(status(&stoa, &path, REBOUND).await, rebound, "{list:?}");
        for host in ["localhost", "127.0.0.1:1", "10.1.2.3:3000", "[fd00::1]"] {
            assert_eq!(status(&stoa, &path, host).await, 200, "{list:?} {host}");
        }
    }
    let (code, output) = scene
        .stoa()
        .env("STOA_ALLOWED_HOSTS", "a.example:80")
        .start_expecting_exit();
    assert_eq!(code, Some(64), "{output}");
    assert!(output.contains("bad host \"a.example:80\""), "{output}");
}
