//! Connections: kept, closed, and over what.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use stoa_dispatch::{Discard, HttpOptions, HttpTransports, LaneSettings, Pool};
use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::{
    lab::{alone, best_of, eventually, fetch, get, once, permits, pool, shared},
    origin::Origin,
};

/// How a body is dealt with.
#[derive(Clone, Copy, Debug)]
enum Way {
    Read,
    Drain,
    Discard,
}

async fn deal(pool: &Pool, url: &str, way: Way) {
    match way {
        Way::Read => {
            fetch(pool, url).await.expect("answer");
        }
        Way::Drain => {
            let response = pool.call(get(url)).await.expect("answer");
            response.into_body().drain().await;
        }
        Way::Discard => {
            pool.send(get(url), Discard).await.expect("taken");
            eventually("it ends", || pool.outstanding() == 0).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_read_or_small_enough_to_be_drained_keeps_its_connection() {
    let _shared = shared().await;
    for way in [Way::Read, Way::Drain, Way::Discard] {
        let upstream = Upstream::start().await;
        upstream.on("/", Reply::ok(vec![b'x'; 2000]));
        let pool = pool(once());
        let url = upstream.url() + "/";
        let requests = if let Way::Discard = way { 20 } else { 100 };
        for _ in 0..requests {
            deal(&pool, &url, way).await;
        }
        assert_eq!(
            (upstream.total(), upstream.connections()),
            (requests, 1),
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn a_chunked_and_an_empty_body_keep_their_connection() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream
        .on("/chunked", Reply::Chunked(vec![b'x'; 5000].into()))
        .on("/empty", Reply::ok(""))
        .on("/missing", Reply::text(404, "no\n"))
        .on("/nothing", Reply::full(204, &[], ""));
    let pool = pool(once());
    for path in ["/chunked", "/empty", "/missing", "/nothing", "/chunked"] {
        deal(&pool, &(upstream.url() + path), Way::Drain).await;
    }
    assert_eq!((upstream.total(), upstream.connections()), (5, 1));
}

#[tokio::test]
async fn an_unread_body_that_is_too_long_costs_its_connection_and_no_more() {
    let _shared = shared().await;
    for way in [Way::Drain, Way::Discard] {
        let upstream = Upstream::start().await;
        upstream
            .on(
                "/large",
                Reply::Sized {
                    len: 64 << 20,
                    seed: 1,
                },
            )
            .on("/small", Reply::ok("ok"));
        let pool = pool(once());
        deal(&pool, &(upstream.url() + "/large"), way).await;
        upstream.hung_up("/large", 1).await;
        for _ in 0..5 {
            deal(&pool, &(upstream.url() + "/small"), way).await;
        }
        assert_eq!(upstream.connections(), 2, "{way:?}");
    }
}

#[tokio::test]
async fn the_user_agent_is_the_one_that_was_handed_in() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.on("/", Reply::ok("ok"));
    let url = upstream.url() + "/";
    for user_agent in [None, Some("lab/1")] {
        let options = HttpOptions {
            user_agent: user_agent.map(str::to_owned),
            ..HttpOptions::default()
        };
        let pool = Pool::builder(Arc::new(HttpTransports::new(options))).start();
        fetch(&pool, &url).await.expect("answer");
        let requests = upstream.requests();
        let sent = requests.last().expect("a request").header("user-agent");
        assert_eq!(sent, user_agent);
    }
}

/// A request that is sent at the very moment when the server closes the connection needs a retry.
#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_replaced_unseen() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.on("/", Reply::ok("ok"));
    let mut settings = LaneSettings::default();
    settings.retry.backoff = Duration::from_millis(1);
    let pool = pool(settings);
    let url = upstream.url() + "/";
    for _ in 0..3 {
        assert_eq!(fetch(&pool, &url).await.expect("answer"), (200, 2));
        upstream.restart_same_port();
    }
    assert_eq!(fetch(&pool, &url).await.expect("answer"), (200, 2));
    assert_eq!(upstream.connections(), 4);
}

#[tokio::test]
async fn lanes_share_no_connection_and_a_lane_no_more_than_its_permits() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.on("/", Reply::ok("ok"));
    let pool = pool(permits(4));
    let url = upstream.url() + "/";
    let calls = (0..40).map(|_| fetch(&pool, &url));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.expect("answer");
    }
    assert!(upstream.peak_in_flight() <= 4, "{}", upstream.peak_in_flight());
    let before = upstream.connections();
    let named = stoa_dispatch::LaneKey::named("another").expect("name");
    let response = pool.call(get(&url).in_lane(named)).await.expect("answer");
    response.into_body().drain().await;
    assert_eq!(upstream.connections(), before + 1);
}

/// From the end of the caller's interest to the end of the connection, as the server sees it.
async fn until_noticed(reply: Reply, with_head: bool) -> Duration {
    let upstream = Upstream::start().await;
    upstream.on("/", reply);
    let pool = pool(once());
    let task = get(&(upstream.url() + "/"));
    let dropped = if with_head {
        let response = pool.call(task).await.expect("head");
        let at = Instant::now();
        drop(response);
        at
    } else {
        let mut call = Box::pin(pool.call(task));
        tokio::select! {
            answer = &mut call => panic!("{answer:?}"),
            () = upstream.arrived("/", 1) => {}
        }
        let at = Instant::now();
        drop(call);
        at
    };
    upstream.hung_up("/", 1).await;
    let noticed = dropped.elapsed();
    assert_eq!(pool.outstanding(), 0);
    noticed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_is_noticed_by_the_server_within_100_ms() {
    let _alone = alone().await;
    let announced = Reply::HangAfterHeaders { announce: 10 };
    for (reply, with_head) in [(Reply::Hang, false), (announced, true), (Reply::Endless, true)] {
        let noticed = best_of(3, async || until_noticed(reply.clone(), with_head).await).await;
        assert!(noticed < Duration::from_millis(100), "{reply:?}: {noticed:?}");
        println!("the server notices after {noticed:?}");
    }
}

#[tokio::test]
async fn who_leaves_the_queue_is_never_seen_by_the_server() {
    let _shared = shared().await;
    let upstream = Upstream::start().await;
    upstream.on("/first", Reply::Hang).on("/second", Reply::ok("ok"));
    let pool = pool(permits(1));
    let first = get(&(upstream.url() + "/first"));
    let mut first = pin!(pool.call(first));
    tokio::select! {
        answer = &mut first => panic!("{answer:?}"),
        () = upstream.arrived("/first", 1) => {}
    }
    let second = tokio::time::timeout(
        Duration::from_millis(20),
        pool.call(get(&(upstream.url() + "/second"))),
    );
    assert!(second.await.is_err());
    assert_eq!((upstream.count("/second"), pool.outstanding()), (0, 1));
}

#[tokio::test]
async fn a_unix_socket_is_used_whatever_the_uri_says() {
    let _shared = shared().await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let _origin = Origin::unix(&path);
    let options = HttpOptions {
        unix_socket: Some(path.clone()),
        ..HttpOptions::default()
    };
    let pool = Pool::builder(Arc::new(HttpTransports::new(options)))
        .settings(once())
        .start();
    for _ in 0..3 {
        let answer = fetch(&pool, "http://nowhere.invalid/x").await;
        assert_eq!(answer.expect("answer"), (200, 2));
    }
    let status = pool
        .lane(&crate::lab::lane_of("http://nowhere.invalid/"))
        .expect("lane");
    assert_eq!(status.counts.succeeded, 3);
}
