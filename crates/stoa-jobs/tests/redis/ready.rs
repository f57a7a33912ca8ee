//! Whether a Redis can be used.

use std::time::Duration;

use stoa_jobs::{JobQuery, RedisOptions, RedisStore, Rules, Store as _, StoreError};

use crate::{
    jobs::{LONG, claim, finish, job},
    server::{PATIENCE, Server, prefix},
};

#[tokio::test]
async fn what_loses_jobs_is_warned_of() {
    for (options, expected) in [
        (&["--appendonly", "yes"][..], &[][..]),
        (&[], &["append-only"]),
        (
            &["--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"],
            &["append-only", "allkeys-lru"],
        ),
    ] {
        let server = Server::with(options);
        let store = server.open(Rules::default(), "p").await;
        let warnings = store.warnings();
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        for (warning, word) in warnings.iter().zip(expected) {
            assert!(warning.contains(word), "{warning}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_newer_layout_is_left_alone() {
    let server = Server::start();
    let prefix = prefix();
    let store = server.open(Rules::default(), &prefix).await;
    store.submit(vec![job("x")]).await.expect("submits");
    let key = format!("{{{prefix}}}:schema");
    let schema: u32 = server.ask(redis::cmd("GET").arg(&key)).await;
    assert_eq!(schema, 1);
    server.ask::<()>(redis::cmd("SET").arg(&key).arg(2)).await;
    let refused = RedisStore::open(RedisOptions {
        prefix,
        ..server.options()
    })
    .await;
    let error = refused.expect_err("it is newer");
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("newer version"), "{error}");
    for error in [
        store
            .submit(vec![job("x")])
            .await
            .expect_err("also while it is open"),
        claim(&store, 1, LONG).await.expect_err("and for claims"),
        store.keep_house().await.expect_err("and for the housekeeping"),
    ] {
        assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn passwords_are_used_and_not_shown() {
    let server = Server::with(&["--appendonly", "yes", "--requirepass", "hunter2"]);
    let address = |login: &str| {
        let address = server.address().replace("redis://", &format!("redis://{login}"));
        RedisOptions::new(address.parse().expect("an address"))
    };
    let store = RedisStore::open(address(":hunter2@")).await.expect("opens");
    store.submit(vec![job("x")]).await.expect("submits");
    assert!(!format!("{store:?}").contains("hunter2"));
    store.close().await;
    for login in ["", ":hunter3@", "nobody:hunter3@"] {
        let error = RedisStore::open(address(login)).await.expect_err("not let in");
        assert!(matches!(error, StoreError::Unusable(_)), "{login} {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
    }
}

#[tokio::test]
async fn what_a_later_version_wrote_stays_and_what_cannot_be_read_stops_nobody() {
    let server = Server::start();
    let store = server.open(Rules::default(), "p").await;
    let submitted = store.submit(vec![job("x"); 2]).await.expect("submits");
    let key = |number: usize| format!("{{p}}:job:{}", submitted[number].id());
    let mut plant = redis::cmd("HSET");
    plant.arg(key(0)).arg("future").arg("kept");
    assert_eq!(server.ask::<i64>(&plant).await, 1);
    let lease = Duration::from_millis(1);
    assert_eq!(claim(&store, 2, lease).await.expect("claims").len(), 2);
    let mut spoil = redis::cmd("HSET");
    spoil.arg(key(1)).arg("job").arg("{\"secret\": \"hunter2\"}");
    server.ask::<i64>(&spoil).await;
    tokio::time::sleep(lease * 10).await;
    let kept = store.keep_house().await.expect("keeps house");
    assert_eq!(kept.lost, [submitted[0].id().clone()]);
    assert_ne!(kept.next, Some(Duration::ZERO), "nobody tries again and again");
    let running = claim(&store, 2, LONG).await.expect("claims");
    finish(&store, &running[0]).await.expect("finishes");
    let future: String = server.ask(redis::cmd("HGET").arg(key(0)).arg("future")).await;
    assert_eq!(future, "kept");
    let error = store.job(submitted[1].id()).await.expect_err("it cannot be read");
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    let found = store.jobs(&JobQuery::latest(10)).await.expect("finds");
    assert_eq!(found.jobs.len(), 1, "the others are found");
    store.close().await;
}

/// Leases and due times are by the clock of Redis, so that a node whose clock is wrong does no harm.
#[test]
fn no_clock_of_a_node_is_asked() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let folder = std::fs::read_dir(format!("{source}/redis")).expect("a folder");
    let files = folder
        .map(|file| file.expect("a file").path())
        .filter(|path| path.is_file());
    let files: Vec<_> = files.chain([format!("{source}/redis.rs").into()]).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        for word in ["Clock", "SystemTime", "Instant"] {
            assert!(!text.contains(word), "{word} in {}", file.display());
        }
    }
}

#[tokio::test]
async fn the_certificate_of_a_redis_is_checked() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    let certificate = made.cert.pem();
    let server = Server::with_tls(&certificate, &made.signing_key.serialize_pem());
    let options = RedisOptions {
        ca: Some(certificate.into_bytes()),
        ..server.options()
    };
    let store = RedisStore::open(options.clone()).await.expect("opens");
    store.submit(vec![job("x")]).await.expect("submits");
    store.close().await;
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    for ca in [None, Some(other.cert.pem().into_bytes())] {
        let refused = RedisStore::open(RedisOptions {
            ca,
            ..options.clone()
        })
        .await;
        let error = refused.expect_err("nobody vouches for it");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_away() {
    let server = Server::start();
    server.kill();
    let error = RedisStore::open(server.options()).await.expect_err("away");
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
}

#[tokio::test]
async fn a_node_can_start_while_redis_is_away() {
    let server = Server::start();
    server.kill();
    let store = RedisStore::new(server.options()).expect("a prefix");
    let error = store.submit(vec![job("x")]).await.expect_err("away");
    assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    assert!(store.warnings().is_empty());
    server.restart();
    let submitted = store.submit(vec![job("x")]).await.expect("submits");
    assert_eq!(submitted.len(), 1);
    // It hears of what another node does from then on.
    let mut work = store.signals().work;
    work.borrow_and_update();
    let other = server.open(Rules::default(), "stoa-jobs").await;
    other.submit(vec![job("y")]).await.expect("submits");
    tokio::time::timeout(PATIENCE, work.changed())
        .await
        .expect("is told")
        .expect("is open");
    store.close().await;
    let error = store.counts().await.expect_err("closed");
    assert!(matches!(error, StoreError::Closed), "{error:?}");
}
