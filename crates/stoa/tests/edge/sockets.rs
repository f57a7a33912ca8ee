//! Unix sockets and path prefixes.

use std::path::Path;

use stoa_testing::process::StoaProcess;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::support::{assert_error, get, scene};

/// The whole answer to a request over a unix socket.
async fn over_unix(socket: &Path, path: &str) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: stoa\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_unix_socket_serves_like_a_port_and_vanishes_at_the_end() {
    let scene = scene();
    let socket = scene.directory().join("stoa.sock");
    let mut stoa = scene.stoa().listen(&format!("unix:{}", socket.display())).start();
    assert_eq!(stoa.url(), format!("unix:{}", socket.display()));
    let answer = over_unix(&socket, &scene.greet().url_path("zip")).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(answer.ends_with(&scene.greet().zip().to_bytes()));
    let home = String::from_utf8(over_unix(&socket, "/").await).unwrap();
    assert!(home.contains("export GOPROXY=http://stoa"), "{home}");
    stoa.wait_for_log("remote=unix");

    assert_eq!(
        stoa.sigterm_and_wait(std::time::Duration::from_secs(30)).code(),
        Some(0)
    );
    assert!(!std::fs::exists(&socket).unwrap());
}

#[tokio::test]
async fn a_socket_left_by_the_dead_is_replaced_and_one_of_the_living_is_not() {
    let scene = scene();
    let socket = scene.directory().join("stoa.sock");
    let listen = format!("unix:{}", socket.display());
    let mut dead = scene.stoa().listen(&listen).start();
    dead.kill9();
    assert!(std::fs::exists(&socket).unwrap());
    let living = scene.stoa().listen(&listen).start();
    assert!(over_unix(&socket, "/healthz").await.ends_with(b"ok\n"));

    let (code, output) = scene.stoa().listen(&listen).start_expecting_exit();
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains(&format!("stoa: cannot listen on {listen}: ")),
        "{output}"
    );
    assert!(
        over_unix(&socket, "/healthz").await.ends_with(b"ok\n"),
        "the living one is untouched"
    );
    drop(living);

    let file = scene.directory().join("precious");
    std::fs::write(&file, "data").unwrap();
    let (code, _) = scene
        .stoa()
        .listen(&format!("unix:{}", file.display()))
        .start_expecting_exit();
    assert_eq!((code, std::fs::read(&file).unwrap()), (Some(1), b"data".to_vec()));
}

fn prefixed(scene: &stoa_testing::scene::Scene) -> StoaProcess {
    scene.start_with(&[("STOA_PATH_PREFIX", "/build/go/")])
}

#[tokio::test]
async fn everything_is_below_the_prefix_and_at_the_root() {
    let scene = scene();
    let stoa = prefixed(&scene);
    let greet = scene.greet();
    for prefix in ["/build/go", ""] {
        let zip = get(&stoa, &format!("{prefix}{}", greet.url_path("zip"))).await;
        assert_eq!(
            (zip.status, &zip.body),
            (200, &greet.zip().to_bytes()),
            "{prefix}"
        );
        let hot = get(&stoa, &format!("{prefix}{}", greet.url_path("zip"))).await;
        assert_eq!(hot.body, zip.body, "{prefix}");
        assert_eq!(
            get(&stoa, &format!("{prefix}/healthz")).await.text(),
            "ok\n",
            "{prefix}"
        );
        let home = get(&stoa, &format!("{prefix}/")).await;
        assert_eq!(home.status, 200, "{prefix}/");
        let line = format!("export GOPROXY={}/build/go<", stoa.url());
        assert!(home.text().contains(&line), "{prefix}: {}", home.text());
        for page in ["readyz", "version", "metrics", "robots.txt"] {
            assert_eq!(
                get(&stoa, &format!("{prefix}/{page}")).await.status,
                200,
                "{prefix}/{page}"
            );
        }
        let lost = get(&stoa, &format!("{prefix}/example.com/nobody/@v/list")).await;
        assert_eq!(lost.status, 404);
    }
    assert_eq!(
        get(&stoa, "/build/go").await.status,
        200,
        "the prefix itself is the home page"
    );
    assert_eq!(scene.upstream.count(&greet.url_path("zip")), 1);
    stoa.wait_for_log(&format!("export GOPROXY={}/build/go", stoa.url()));
}

#[tokio::test]
async fn a_prefix_ends_at_a_slash() {
    let scene = scene();
    let stoa = prefixed(&scene);
    let path = format!("/build/gopher{}", scene.greet().url_path("mod"));
    let answer = get(&stoa, &path).await;
    // Not below the prefix, so it is the path of a module, and an impossible one.
    assert_error(&path, &answer, 400, "malformed module path");
    assert_error("twice", &get(&stoa, "/build/go/build/go/healthz").await, 404, "");
}

#[tokio::test]
async fn the_go_command_takes_a_proxy_below_a_prefix() {
    let scene = scene();
    let stoa = prefixed(&scene);
    let go = stoa_testing::go::GoClient::new(&format!("{}/build/go", stoa.url()));
    let go = std::sync::Arc::new(go);
    let _ = go
        .run_async(&["mod", "download", "example.com/greet@v1.0.0"])
        .await
        .expect_success();
    assert_eq!(scene.upstream.count(&scene.greet().url_path("zip")), 1);
}
