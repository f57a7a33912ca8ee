//! Answers that are elsewhere.

use stoa_fetch::FetchError;
use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::support::{MOD, chain, fetch, soon};

/// Scripts `hops` redirects from the `.mod` to an answer.
fn scripted(server: &Upstream, hops: usize) {
    let at = |hop| match hop {
        0 => format!("/{MOD}"),
        hop => format!("/hop/{hop}"),
    };
    for hop in 0..hops {
        server.on(
            &at(hop),
            Reply::Redirect(format!("{}{}", server.url(), at(hop + 1))),
        );
    }
    server.on(&at(hops), Reply::ok("module example.com/a\n"));
}

#[tokio::test]
async fn up_to_ten_redirects_are_followed() {
    for hops in [1, 10] {
        let server = Upstream::start().await;
        scripted(&server, hops);
        let text = fetch(&chain(&server.url()), MOD).await.unwrap();
        assert_eq!(text, "module example.com/a\n");
        assert_eq!(server.total(), hops + 1);
    }
}

#[tokio::test]
async fn more_redirects_and_loops_end_as_a_failure() {
    let server = Upstream::start().await;
    scripted(&server, 11);
    let error = soon(fetch(&chain(&server.url()), MOD)).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreadable { .. }), "{error:?}");
    assert!(
        error.to_string().contains("stopped after 10 redirects"),
        "{error}"
    );

    let server = Upstream::start().await;
    let here = format!("{}/{MOD}", server.url());
    server.on(&format!("/{MOD}"), Reply::Redirect(here));
    let error = soon(fetch(&chain(&server.url()), MOD)).await.unwrap_err();
    assert!(!error.is_not_found());
    assert!(server.total() <= 11, "{} requests", server.total());
}

#[tokio::test]
async fn a_relative_redirect_and_one_to_another_server_are_followed() {
    let (server, other) = (Upstream::start().await, Upstream::start().await);
    server.on(&format!("/{MOD}"), Reply::Redirect("/moved".to_owned()));
    server.on("/moved", Reply::Redirect(format!("{}/there", other.url())));
    other.file("/there", "module example.com/a\n");
    let text = fetch(&chain(&server.url()), MOD).await.unwrap();
    assert_eq!(text, "module example.com/a\n");
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_a_failure_and_one_to_404_is_not_found() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    for to in ["ftp://127.0.0.1/a", "file:///etc/passwd", "http://"] {
        server.on(&format!("/{MOD}"), Reply::Redirect(to.to_owned()));
        let error = soon(fetch(&source, MOD)).await.unwrap_err();
        assert!(!error.is_not_found(), "{to}: {error:?}");
    }
    server.on(&format!("/{MOD}"), Reply::full(302, &[], "no location"));
    let error = fetch(&source, MOD).await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Status { reply, .. } if reply.status == 302),
        "{error:?}"
    );
    server.on(&format!("/{MOD}"), Reply::Redirect("/missing".to_owned()));
    assert!(fetch(&source, MOD).await.unwrap_err().is_not_found());
}
