//! A host that asks for a pause gets it, from programs too.

use std::time::{Duration, Instant};

use stoa_testing::git_http::Manner;

use crate::freshness::{Scene, TOOL};

#[tokio::test(flavor = "multi_thread")]
async fn a_short_pause_is_waited_out() {
    let scene = Scene::new();
    scene
        .server
        .set(Manner::Refuse("429 Too Many Requests\r\nRetry-After: 2"));
    let path = format!("{TOOL}/@v/list");
    let began = Instant::now();
    let (answer, asked) = tokio::join!(scene.get(&path), async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let asked = scene.server.seen().len();
        scene.server.set(Manner::Serve);
        asked
    });
    let elapsed = began.elapsed();
    println!(
        "{} after {elapsed:?}, {asked} requests in the pause",
        answer.status
    );
    assert_eq!((answer.status, answer.text()), (200, "v1.0.0\n"));
    assert!(
        elapsed > Duration::from_secs(2) && elapsed < Duration::from_secs(6),
        "{elapsed:?}"
    );
    // git's, and the one that told how long the pause is.
    assert!(asked <= 3, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_pause_is_the_clients_to_wait_for() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let scene = Scene::new();
        let line: &'static str = format!("{status}\r\nRetry-After: 100").leak();
        scene.server.set(Manner::Refuse(line));
        let began = Instant::now();
        let answer = scene.get(&format!("{TOOL}/@v/list")).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(began.elapsed() < Duration::from_secs(10));
        let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((80..=100).contains(&after), "{after}");
        assert!(answer.text().contains("pause"), "{}", answer.text());
        // Nobody asks meanwhile, for whatever module and by whatever means.
        let asked = scene.server.seen().len();
        for path in [
            format!("{TOOL}/@v/v1.0.0.info"),
            "vanity.example/tool/@v/list".to_owned(),
        ] {
            let answer = scene.get(&path).await;
            assert_eq!(answer.status, 503, "{path}: {}", answer.text());
            assert!(answer.header("retry-after").is_some(), "{path}");
        }
        assert_eq!(scene.server.seen().len(), asked, "{:?}", scene.server.seen());
        // An operator knows better.
        scene.server.set(Manner::Serve);
        let token = scene.stoa.admin_authorization().unwrap();
        let lane = scene.server.url().strip_prefix("http://").unwrap().to_owned();
        let url = format!("{}/api/v1/lanes/{lane}", scene.stoa.url());
        let reset = stoa_testing::http::request("DELETE", &url, &[("Authorization", &token)], b"").await;
        assert_eq!(reset.unwrap().status, 200);
        assert_eq!(scene.get("vanity.example/tool/@v/v1.0.0.info").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_say_how_long_is_believed_about_the_rest() {
    let scene = Scene::new();
    for (status, want) in [("429 Too Many Requests", 503), ("503 Service Unavailable", 502)] {
        scene.server.set(Manner::Refuse(status));
        let answer = scene.get(&format!("{TOOL}/@v/list")).await;
        assert_eq!(answer.status, want, "{}", answer.text());
        assert_eq!(answer.header("retry-after").is_some(), want == 503);
        assert!(answer.text().contains(&status[..3]), "{}", answer.text());
    }
}
