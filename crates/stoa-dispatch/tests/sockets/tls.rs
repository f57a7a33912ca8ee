//! Servers without a valid certificate.

use stoa_dispatch::{BreakerState, DispatchError, LaneSettings, TransportErrorKind};
use tokio::io::AsyncWriteExt;

use crate::{
    lab::{fetch, kind, lane_of, pool, shared},
    origin::Origin,
};

#[tokio::test]
async fn an_unknown_certificate_is_refused_not_retried_and_opens_the_breaker() {
    let _shared = shared().await;
    let origin = Origin::self_signed().await;
    let url = format!("https://127.0.0.1:{}/", origin.port());
    let mut settings = LaneSettings::default();
    settings.breaker.consecutive = 3;
    let pool = pool(settings);
    for _ in 0..3 {
        let error = fetch(&pool, &url).await.expect_err("untrusted");
        assert_eq!(kind(&error), TransportErrorKind::Tls, "{error}");
        let text = error.to_string();
        assert!(text.contains("certificate"), "{text}");
    }
    let lane = pool.lane(&lane_of(&url)).expect("lane");
    assert_eq!((lane.counts.attempts, lane.counts.retries), (3, 0));
    assert!(
        matches!(lane.breaker, BreakerState::Open { .. }),
        "{:?}",
        lane.breaker
    );
    let error = fetch(&pool, &url).await.expect_err("open");
    assert!(matches!(error, DispatchError::BreakerOpen { .. }), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_no_server_for_https() {
    let _shared = shared().await;
    let origin = Origin::serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        std::future::pending().await
    })
    .await;
    let pool = pool(LaneSettings::default());
    let url = format!("https://127.0.0.1:{}/", origin.port());
    let error = fetch(&pool, &url).await.expect_err("no TLS");
    assert_eq!(kind(&error), TransportErrorKind::Tls, "{error}");
    assert_eq!(pool.lane(&lane_of(&url)).expect("lane").counts.attempts, 1);
}
