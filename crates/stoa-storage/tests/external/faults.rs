//! A remote that refuses, fails and lies.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use stoa_storage::external::{Authorization, ExternalOptions};
use stoa_storage::{ExternalStorage, FileKind, MemoryStorage, RemoteFault, Storage as _, StorageError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::Manner;
use crate::setup::{Lab, key, pool};

const PATH: &str = "example.com/m";

fn fault(error: &StorageError) -> RemoteFault {
    match error {
        StorageError::Remote { fault, .. } => *fault,
        other => panic!("no fault of the remote: {other:?}"),
    }
}

#[tokio::test]
async fn statuses_have_a_meaning() {
    let lab = Lab::new(Manner::default()).await;
    for (status, expected) in [
        (StatusCode::UNAUTHORIZED, RemoteFault::BadCredentials),
        (StatusCode::FORBIDDEN, RemoteFault::BadCredentials),
        (StatusCode::INTERNAL_SERVER_ERROR, RemoteFault::Away),
        (StatusCode::SERVICE_UNAVAILABLE, RemoteFault::Away),
        (StatusCode::TOO_MANY_REQUESTS, RemoteFault::Away),
        (StatusCode::FOUND, RemoteFault::BadAnswer),
        (StatusCode::BAD_REQUEST, RemoteFault::BadAnswer),
    ] {
        lab.server.state.manner.lock().unwrap().always = Some(status);
        let zip = key(PATH, "v1.0.0", FileKind::Zip);
        let errors = [
            lab.storage.open(&zip).await.map(drop).unwrap_err(),
            lab.storage
                .put(&zip, Bytes::from_static(b"x"))
                .await
                .map(drop)
                .unwrap_err(),
            lab.storage
                .versions(&PATH.parse().unwrap())
                .await
                .map(drop)
                .unwrap_err(),
            lab.storage.quarantine(&zip).await.map(drop).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(fault(&error), expected, "{status}: {}", error.report());
        }
        assert_eq!(
            lab.waiting().await,
            0,
            "nothing is stored whose place is not known to be free"
        );
    }
    lab.server.state.manner.lock().unwrap().always = Some(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(fault(&lab.storage.check().await.unwrap_err()), RemoteFault::Away);
    lab.server.state.manner.lock().unwrap().always = None;
    lab.storage.check().await.unwrap();
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    for (given, sent) in [
        (Authorization::Bearer("s3cret".to_owned()), "Bearer s3cret"),
        (
            Authorization::Basic {
                user: "me".to_owned(),
                password: "s3cret".to_owned(),
            },
            "Basic bWU6czNjcmV0",
        ),
    ] {
        let manner = Manner {
            authorization: Some(sent),
            ..Manner::default()
        };
        let lab = Lab::with(manner, Some(given.clone())).await;
        lab.storage.check().await.unwrap();
        lab.server.state.manner.lock().unwrap().authorization = Some("another");
        let error = lab.storage.check().await.unwrap_err();
        assert_eq!(fault(&error), RemoteFault::BadCredentials);
        let shown = format!(
            "{error:?} {} {:?} {} {given:?}",
            error.report(),
            lab.storage,
            lab.storage
        );
        assert!(!shown.contains("s3cret") && !shown.contains("bWU6"), "{shown}");
    }
}

#[tokio::test]
async fn bad_urls_are_refused_without_being_repeated() {
    for url in [
        "http://me:s3cret@host/",
        "ftp://host/",
        "http://host/?token=s3cret",
    ] {
        let refused = ExternalOptions::new(url.parse().unwrap()).and_then(|options| {
            let local = Arc::new(MemoryStorage::new(1000));
            ExternalStorage::new(
                local,
                pool(),
                &options,
                TaskTracker::new(),
                CancellationToken::new(),
            )
        });
        let error = refused.unwrap_err();
        assert!(matches!(error, StorageError::InvalidUrl { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_lie_about_the_length_is_an_error() {
    let lab = Lab::new(Manner {
        lie: 7,
        ..Manner::default()
    })
    .await;
    lab.server
        .state
        .keep(PATH, "v1.0.0", [b"i", b"m", Box::leak(vec![7; 1_000_000].into())]);
    let blob = lab
        .storage
        .open(&key(PATH, "v1.0.0", FileKind::Zip))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(blob.read_at(0, 1000).await.unwrap(), &[7; 1000][..]);
    let error = blob.bytes(usize::MAX).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    let asked = lab.server.state.asked(".zip");
    assert!(asked <= 5, "it is asked for only so often: {asked}");
}

#[tokio::test]
async fn a_remote_that_is_down_is_away() {
    let lab = Lab::new(Manner::default()).await;
    lab.pool.abort().await.unwrap();
    let error = lab
        .storage
        .open(&key(PATH, "v1.0.0", FileKind::Zip))
        .await
        .unwrap_err();
    assert_eq!(fault(&error), RemoteFault::Away);
}
