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

/// Puts a change into the stream, as somebody does who is no registry of this version.
async fn plant_change(redis: &Redis, kind: &str, value: &[u8]) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let next: u64 = redis::cmd("INCR")
        .arg("{stoa}revision")
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut command = redis::cmd("XADD");
    command
        .arg("{stoa}events")
        .arg(format!("{next}-0"))
        .arg(kind)
        .arg(value);
    command.query_async::<()>(&mut connection).await.unwrap();
}

async fn tell(redis: &Redis, words: &[&[u8]]) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd(std::str::from_utf8(words[0]).unwrap());
    for word in &words[1..] {
        command.arg(*word);
    }
    command
        .query_async::<redis::Value>(&mut connection)
        .await
        .unwrap();
}

/// The ids of the nodes that a watch tells of next.
async fn next_nodes(watch: &mut Box<dyn stoa_registry::Watch>) -> Vec<String> {
    loop {
        let change = timeout(Duration::from_secs(10), watch.next())
            .await
            .unwrap()
            .unwrap();
        match change {
            Change::Batch { events, .. } => {
                return events.iter().map(|event| event.node().to_string()).collect();
            }
            Change::Bookmark { .. } => {}
            Change::Lost { reason } => panic!("{reason}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_read_hides_no_other() {
    let redis = Redis::start();
    let registry = open(&redis.url());
    let service = node("a").service;
    registry.register(&node("a"), TTL).await.unwrap();
    let listing = registry.get(&service).await.unwrap();
    let mut watch = registry
        .watch(&Scope::Service(service.clone()), listing.revision)
        .await
        .unwrap();
    let huge = vec![b'x'; 2 << 20];
    for (id, kind, value) in [
        ("b", "put", &br#"{"not":"a registration"}"#[..]),
        ("c", "put", &huge[..]),
        ("d", "of a later version", b"{}"),
        ("e", "gone", b"\xff"),
    ] {
        plant_change(&redis, kind, value).await;
        registry.register(&node(id), TTL).await.unwrap();
        assert_eq!(next_nodes(&mut watch).await, [id]);
    }
    // A watch that begins before all of it is told the same.
    let mut late = registry
        .watch(&Scope::Service(service), listing.revision)
        .await
        .unwrap();
    for id in ["b", "c", "d", "e"] {
        assert_eq!(next_nodes(&mut late).await, [id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_future_stops_nobody() {
    let redis = Redis::start();
    let registry = open(&redis.url());
    registry.register(&node("a"), TTL).await.unwrap();
    let service = node("a").service;
    for id in ["b", "c"] {
        tell(
            &redis,
            &[b"XADD", b"{stoa}events", b"9000000000000000-7", b"put", b"x"],
        )
        .await;
        registry.register(&node(id), TTL).await.unwrap();
        let listing = registry.get(&service).await.unwrap();
        let mut watch = registry.watch(&Scope::All, listing.revision).await.unwrap();
        registry
            .register(&node("d"), TTL)
            .await
            .unwrap_or_else(|_| panic!("{id}"));
        assert_eq!(next_nodes(&mut watch).await, ["d"]);
        registry.deregister(&node("d")).await.unwrap();
        // Planted while somebody waits.
        tell(
            &redis,
            &[b"XADD", b"{stoa}events", b"9000000000000000-7", b"put", b"x"],
        )
        .await;
        let lost = timeout(Duration::from_secs(10), async {
            loop {
                if let Change::Bookmark { .. } | Change::Lost { .. } = watch.next().await.unwrap() {
                    return;
                }
            }
        });
        lost.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_node_is_not_read_and_too_much_is_an_error_that_says_so() {
    let redis = Redis::start();
    let registry = open(&redis.url());
    registry.register(&node("a"), TTL).await.unwrap();
    let service = node("a").service;
    let huge = vec![b'x'; 50_000_000];
    tell(&redis, &[b"HSET", b"{stoa}nodes", b"proxy huge", &huge]).await;
    tell(&redis, &[b"HSET", b"{stoa}nodes", &huge[..2_000], b"{}"]).await;
    tell(&redis, &[b"CONFIG", b"RESETSTAT"]).await;
    let listing = registry.get(&service).await.unwrap();
    assert_eq!(listing.entries.len(), 1);
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let stats: String = redis::cmd("INFO")
        .arg("stats")
        .query_async(&mut connection)
        .await
        .unwrap();
    let sent: u64 = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"))
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap();
    assert!(sent < 100_000, "{sent} bytes were sent");
    // Its own name holds it up as little.
    tell(&redis, &[b"HSET", b"{stoa}nodes", b"proxy b", &huge]).await;
    registry.register(&node("b"), TTL).await.unwrap();
    assert_eq!(registry.get(&service).await.unwrap().entries.len(), 2);
    let script = b"for i = 1, 10000 do redis.call('HSET', KEYS[1], 'junk ' .. i, '{}') end";
    tell(&redis, &[b"EVAL", script, b"1", b"{stoa}nodes"]).await;
    let error = registry.get(&service).await.unwrap_err();
    assert!(matches!(error, RegistryError::Invalid { .. }), "{error:?}");
    assert!(error.to_string().contains("more than 10000 nodes"), "{error}");
    assert!(registry.list().await.is_err());
}
