//! What is left when the internet is gone.

use stoa_testing::reply::Reply;

use crate::mirror::{LARGE, Mirror, SMALL, ask, assert_error, content, get};

const ALL: &str = "/dl/?mode=json&include=all";

#[tokio::test]
async fn what_was_seen_once_is_served_without_the_server_and_the_rest_is_no_not_found() {
    let mirror = Mirror::new();
    let signed = "-----BEGIN PGP SIGNATURE-----\n";
    mirror.back.on(&format!("/go/{SMALL}.asc"), Reply::ok(signed));
    let mut stoa = mirror.start();
    let index = get(&stoa, ALL).await;
    assert_eq!(get(&stoa, &format!("/dl/{SMALL}")).await.status, 200);
    assert_eq!(get(&stoa, &format!("/dl/{SMALL}.asc")).await.status, 200);
    mirror.front.kill();
    mirror.back.kill();
    for (mode, missing, unknown) in [
        ("online", 502, 502),
        ("fallback", 502, 502),
        ("offline", 404, 404),
    ] {
        stoa.kill9();
        stoa = mirror.stoa().args(&["--network", mode]).start();
        assert_eq!(get(&stoa, ALL).await.body, index.body, "{mode}");
        let archive = get(&stoa, &format!("/dl/{SMALL}")).await;
        assert_eq!(
            (archive.status, &archive.body),
            (200, &content(SMALL).to_bytes()),
            "{mode}"
        );
        for end in ["sha256", "asc"] {
            let answer = get(&stoa, &format!("/dl/{SMALL}.{end}")).await;
            assert_eq!(answer.status, 200, "{mode} {end}");
        }
        assert_error(mode, &get(&stoa, &format!("/dl/{LARGE}")).await, missing, &[]);
        if mode == "offline" {
            let head = ask(&stoa, "HEAD", &format!("/dl/{LARGE}"), &[]).await;
            assert_eq!(head.status, 404, "it could not be had");
        }
        // The index that is known does not have it, but a newer one might.
        assert_error(mode, &get(&stoa, "/dl/go9.src.tar.gz").await, unknown, &[]);
    }
}

#[tokio::test]
async fn a_stoa_mirrors_a_stoa_below_its_prefix() {
    let mirror = Mirror::new();
    let near = mirror.stoa().env("STOA_PATH_PREFIX", "/go").start();
    let far = mirror
        .stoa_in("far")
        .env("STOA_TOOLCHAINS_UPSTREAM", &format!("{}/go/dl/", near.url()))
        .start();
    assert_eq!(
        get(&far, ALL).await.body,
        get(&near, "/go/dl/?mode=json&include=all").await.body
    );
    for name in [SMALL, LARGE] {
        let answer = get(&far, &format!("/dl/{name}")).await;
        assert!(
            answer.is_clean() && answer.body == content(name).to_bytes(),
            "{name}"
        );
        assert_eq!(get(&near, &format!("/dl/{name}.sha256")).await.status, 200);
        assert_eq!(mirror.counts(name).1, 1, "{name}");
    }
    assert_eq!(
        get(&near, &format!("/go/dl/{SMALL}")).await.body,
        content(SMALL).to_bytes()
    );
}

#[tokio::test]
async fn a_server_that_mirrors_itself_is_told_so() {
    let mirror = Mirror::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let own = format!("127.0.0.1:{port}");
    let stoa = mirror
        .stoa()
        .listen(&own)
        .env("STOA_TOOLCHAINS_UPSTREAM", &format!("http://{own}/dl/"))
        .start();
    for path in [ALL, "/dl/go1.99.0.linux-amd64.tar.gz"] {
        assert_error(path, &get(&stoa, path).await, 502, &["508"]);
    }
}
