//! What the dispatcher adds: lanes, their refusals, and credentials that stay where they belong.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use stoa_dispatch::{
    BreakerSettings, FilterFn, LaneSettings, Pool, RawBody, RequestBody, RetrySettings, Transport,
    TransportError,
};
use stoa_fetch::{Chain, Deadlines, FetchError, HttpClient, Limits};
use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::support::{INFO, MOD, client_with, fetch, no_direct};

/// Answers by URL and keeps what it was asked.
#[derive(Debug)]
struct Recorder {
    redirects: Vec<(&'static str, &'static str)>,
    seen: Mutex<Vec<(String, HeaderMap)>>,
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request<RequestBody>) -> Result<Response<RawBody>, TransportError> {
        let url = request.uri().to_string();
        self.seen.lock().push((url.clone(), request.headers().clone()));
        let body = RawBody::new(
            Full::new(Bytes::from_static(b"module example.com/a\n")).map_err(|never| match never {}),
        );
        let to = self.redirects.iter().find(|(from, _)| *from == url);
        let response = match to {
            Some((_, to)) => Response::builder().status(302).header("location", *to),
            None => Response::builder(),
        };
        Ok(response.body(body).unwrap())
    }
}

/// The URLs asked for, and whether each got the credentials.
async fn asked(redirects: &[(&'static str, &'static str)]) -> Vec<(String, bool)> {
    let recorder = Arc::new(Recorder {
        redirects: redirects.to_vec(),
        seen: Mutex::default(),
    });
    let pool = Pool::builder(Arc::new(Arc::clone(&recorder))).start();
    let client = HttpClient::new(pool, Duration::from_secs(60), Limits::default());
    let chain = Chain::new(
        &"https://bot:hunter2@a.example".parse().unwrap(),
        &client,
        &no_direct(),
    );
    fetch(&chain, MOD).await.unwrap();
    let seen = recorder.seen.lock();
    seen.iter()
        .map(|(url, headers)| {
            let sent = headers.get(AUTHORIZATION);
            assert!(
                sent.is_none_or(|value| value == "Basic Ym90Omh1bnRlcjI="),
                "{sent:?}"
            );
            (url.clone(), sent.is_some())
        })
        .collect()
}

#[tokio::test]
async fn credentials_go_to_their_own_server_only_and_never_come_back() {
    let first = "https://a.example/example.com/a/@v/v1.0.0.mod";
    let steps = |steps: &[(&str, bool)]| -> Vec<(String, bool)> {
        steps
            .iter()
            .map(|(url, sent)| ((*url).to_owned(), *sent))
            .collect()
    };
    assert_eq!(asked(&[]).await, steps(&[(first, true)]));
    assert_eq!(
        asked(&[(first, "/elsewhere")]).await,
        steps(&[(first, true), ("https://a.example/elsewhere", true)])
    );
    for other in [
        "https://b.example/x",
        "https://a.example:8443/x",
        "https://sub.a.example/x",
    ] {
        assert_eq!(
            asked(&[(first, other)]).await,
            steps(&[(first, true), (other, false)])
        );
    }
    assert_eq!(
        asked(&[
            (first, "https://b.example/x"),
            ("https://b.example/x", "https://a.example/back")
        ])
        .await,
        steps(&[
            (first, true),
            ("https://b.example/x", false),
            ("https://a.example/back", false)
        ]),
        "what another server sends back is not what was asked for"
    );
}

#[tokio::test]
async fn each_hop_takes_the_lane_of_its_own_host() {
    let (server, other) = (Upstream::start().await, Upstream::start().await);
    server.on(
        &format!("/{MOD}"),
        Reply::Redirect(format!("{}/there", other.url())),
    );
    other.file("/there", "module example.com/a\n");
    let transports = stoa_dispatch::HttpTransports::new(stoa_dispatch::HttpOptions::default());
    let pool = Pool::builder(Arc::new(transports)).start();
    let client = HttpClient::new(pool.clone(), Duration::from_secs(60), Limits::default());
    fetch(
        &Chain::new(&server.url().parse().unwrap(), &client, &no_direct()),
        MOD,
    )
    .await
    .unwrap();
    let mut lanes: Vec<_> = pool
        .lanes()
        .iter()
        .map(|lane| (lane.lane.to_string(), lane.counts.succeeded))
        .collect();
    let mut want = vec![
        (server.address().to_string(), 1),
        (other.address().to_string(), 1),
    ];
    lanes.sort();
    want.sort();
    assert_eq!(lanes, want);
}

#[tokio::test]
async fn an_open_breaker_is_overloaded_with_a_time_and_never_not_found() {
    let server = Upstream::start().await;
    server.on_everything(Reply::text(500, "down"));
    let settings = LaneSettings {
        breaker: BreakerSettings {
            consecutive: 2,
            open: Duration::from_secs(60),
            ..BreakerSettings::default()
        },
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        ..LaneSettings::default()
    };
    let client = client_with(settings, &Deadlines::default(), Limits::default());
    let chain = Chain::new(&server.url().parse().unwrap(), &client, &no_direct());
    for _ in 0..2 {
        let error = fetch(&chain, INFO).await.unwrap_err();
        assert!(matches!(error, FetchError::Status { .. }), "{error:?}");
    }
    let error = fetch(&chain, INFO).await.unwrap_err();
    let text = error.to_string();
    let FetchError::Overloaded { retry_after, .. } = error else {
        panic!("{error:?}")
    };
    assert!(
        retry_after.is_some_and(|after| after > Duration::from_secs(40)),
        "{retry_after:?}"
    );
    assert!(
        text.contains("the breaker is open for another") && text.contains("500 Internal Server Error"),
        "{text}"
    );
    assert_eq!(server.total(), 2);
}

#[tokio::test]
async fn a_filter_refuses_with_its_reason_before_anything_leaves() {
    let server = Upstream::start().await;
    let transports = stoa_dispatch::HttpTransports::new(stoa_dispatch::HttpOptions::default());
    let nobody = FilterFn::new("dispatch.deny", |_| Err("nothing may leave".to_owned()));
    let pool = Pool::builder(Arc::new(transports))
        .filter(Arc::new(nobody))
        .start();
    let client = HttpClient::new(pool, Duration::from_secs(60), Limits::default());
    let error = fetch(
        &Chain::new(&server.url().parse().unwrap(), &client, &no_direct()),
        INFO,
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&error, FetchError::Refused { reason } if reason.ends_with("refused by dispatch.deny: nothing may leave")),
        "{error:?}"
    );
    assert_eq!(server.total(), 0);
}
