//! The registry in a real Redis.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_registry::{
    Change, InstanceId, RedisRegistry, RedisRegistryOptions, Registration, Registry, RegistryError, Scope,
    ServiceName,
    conformance::{self, Adapter, Place},
};
use stoa_testing::redis::Redis;
use tokio::time::{Instant, timeout};

const TTL: Duration = Duration::from_secs(60);

fn open(url: &str) -> RedisRegistry {
    RedisRegistry::new(RedisRegistryOptions {
        url: url.to_owned(),
        password: None,
        prefix: "stoa".to_owned(),
        timeout: Duration::from_secs(2),
    })
    .unwrap()
}

struct Servers;

struct Server(Redis);

#[async_trait]
impl Adapter for Servers {
    async fn place(&self) -> Box<dyn Place> {
        Box::new(Server(Redis::start()))
    }
}

#[async_trait]
impl Place for Server {
    async fn open(&self) -> Arc<dyn Registry> {
        Arc::new(open(&self.0.url()))
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn wipe(&self) {
        self.0.tell("FLUSHALL");
    }

    async fn forget(&self) -> bool {
        let registry = open(&self.0.url());
        // As many changes as are not kept.
        for number in 0..1_001 {
            let mut node = node("churn");
            node.version = number.to_string();
            registry.register(&node, TTL).await.unwrap();
        }
        registry.deregister(&node("churn")).await.unwrap();
        true
    }

    async fn plant(&self, service: &ServiceName, text: &str) -> bool {
        let client = redis::Client::open(self.0.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd("HSET");
        command
            .arg("{stoa}nodes")
            .arg(format!("{service} planted"))
            .arg(text);
        command.query_async::<()>(&mut connection).await.unwrap();
        true
    }
}

fn node(id: &str) -> Registration {
    let service = "proxy".parse().unwrap();
    Registration::new(
        service,
        id.parse().unwrap(),
        "http://10.0.0.5:3000",
        InstanceId::random(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_a_registry() {
    conformance::run(&Servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_and_comes_back_is_gone_on_with() {
    let redis = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let registry = open(&redis.url());
    let first = node("a");
    registry.register(&first, TTL).await.unwrap();
    let listing = registry.get(&first.service).await.unwrap();
    let mut watch = registry.watch(&Scope::All, listing.revision).await.unwrap();
    redis.kill();
    let error = registry.get(&first.service).await.unwrap_err();
    assert!(matches!(error, RegistryError::Away { .. }), "{error}");
    let ended = timeout(Duration::from_secs(10), watch.next()).await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    redis.restart();
    registry.register(&node("b"), TTL).await.unwrap();
    let mut watch = registry.watch(&Scope::All, listing.revision).await.unwrap();
    match watch.next().await.unwrap() {
        Change::Batch { events, .. } => assert_eq!(events[0].node().as_str(), "b"),
        other => panic!("{other:?}"),
    }
    assert_eq!(registry.get(&first.service).await.unwrap().entries.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_away_in_a_bounded_time() {
    let redis = Redis::with(&["--enable-debug-command", "yes"]);
    let registry = open(&redis.url());
    let first = node("a");
    registry.register(&first, TTL).await.unwrap();
    let listing = registry.get(&first.service).await.unwrap();
    let mut watch = registry.watch(&Scope::All, listing.revision).await.unwrap();
    let url = redis.url();
    let sleeping = std::thread::spawn(move || {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_connection().unwrap();
        redis::cmd("DEBUG")
            .arg("SLEEP")
            .arg(8)
            .query::<()>(&mut connection)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    let both = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::join!(registry.get(&first.service), async {
            loop {
                if let Err(error) = watch.next().await {
                    return error;
                }
            }
        })
    });
    let (read, told) = both.await.unwrap();
    assert!(matches!(read, Err(RegistryError::Away { .. })), "{read:?}");
    assert!(matches!(told, RegistryError::Away { .. }), "{told}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    sleeping.join().unwrap().unwrap();
    assert_eq!(registry.get(&first.service).await.unwrap().entries.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_shown_nowhere() {
    let redis = Redis::with(&["--requirepass", "right"]);
    let url = redis.url().replace("redis://", "redis://:hunter2@");
    let registry = open(&url);
    let error = registry.get(&"proxy".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    for shown in [error.to_string(), registry.to_string(), format!("{registry:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let bad = RedisRegistry::new(RedisRegistryOptions {
        url: "redis://:hunter2@[".to_owned(),
        password: None,
        prefix: "stoa".to_owned(),
        timeout: Duration::from_secs(2),
    });
    assert!(!bad.unwrap_err().to_string().contains("hunter2"));
}
