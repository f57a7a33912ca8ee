//! A view of a registry that changes all the time, over a connection that breaks every second.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are tests, which say what they measure"
)]

#[path = "etcd/http.rs"]
mod http;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use stoa_registry::{
    Fault, FaultyRegistry, InstanceId, RedisRegistry, RedisRegistryOptions, Registration, Registry, View,
    ViewOptions,
    etcd::{EtcdOptions, EtcdRegistry},
};
use stoa_testing::{etcd::Etcd, redis::Redis};
use tokio::{task::JoinSet, time::sleep};

const TTL: Duration = Duration::from_secs(60);
/// Nodes that change, each as fast as it can.
const NODES: usize = 8;

/// How long it goes on: `STOA_ENDURE_SECONDS`, or a moment.
fn time() -> Duration {
    let given = stoa_testing::go::environment("STOA_ENDURE_SECONDS");
    Duration::from_secs(given.map_or(5, |text| text.parse().unwrap()))
}

async fn churn(name: &str, registry: Arc<dyn Registry>) {
    let faulty = FaultyRegistry::new(Arc::clone(&registry));
    let view = View::new(Arc::new(faulty.clone()), ViewOptions::default());
    let service: stoa_registry::ServiceName = "proxy".parse().unwrap();
    let followed = view.follow(&service);
    let (stop, changes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut writers = JoinSet::new();
    for number in 0..NODES {
        let (registry, stop, changes) = (Arc::clone(&registry), Arc::clone(&stop), Arc::clone(&changes));
        let service = service.clone();
        writers.spawn(async move {
            let id = format!("n{number}").parse().unwrap();
            let mut node = Registration::new(
                service,
                id,
                "http://10.0.0.5",
                InstanceId::from_number(1 + number as u128),
            );
            while !stop.load(Ordering::Relaxed) {
                let change = changes.fetch_add(1, Ordering::Relaxed);
                node.version = change.to_string();
                registry.register(&node, TTL).await.unwrap();
                if change.is_multiple_of(50) {
                    registry.deregister(&node).await.unwrap();
                    registry.register(&node, TTL).await.unwrap();
                }
            }
        });
    }
    let began = Instant::now();
    let mut breaks = 0;
    while began.elapsed() < time() {
        sleep(Duration::from_secs(1)).await;
        faulty.fail(Fault::Away);
        sleep(Duration::from_millis(20)).await;
        faulty.fail(Fault::None);
        breaks += 1;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let want: Vec<_> = registry.get(&service).await.unwrap().entries;
    let want: Vec<_> = want.into_iter().map(|entry| entry.registration).collect();
    assert_eq!(want.len(), NODES);
    let ended = Instant::now();
    loop {
        let nodes = followed.load();
        let seen: Vec<_> = nodes.nodes.iter().map(|node| node.registration.clone()).collect();
        if seen == want {
            break;
        }
        assert!(
            ended.elapsed() < Duration::from_secs(30),
            "{name}: {seen:?}\n{want:?}"
        );
        sleep(Duration::from_millis(5)).await;
    }
    let changes = changes.load(Ordering::Relaxed);
    println!(
        "{name}: {changes} changes in {:?}, {breaks} breaks; the view is the registry {:?} after the last one; {:?}",
        ended - began,
        ended.elapsed(),
        view.stats()
    );
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_etcd_ends_with_what_is_there() {
    let etcd = Etcd::start();
    let options = EtcdOptions::new(vec![etcd.url().parse().unwrap()]);
    let registry = EtcdRegistry::new(options, Arc::new(http::Http)).unwrap();
    churn("etcd", Arc::new(registry)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_redis_ends_with_what_is_there() {
    let redis = Redis::start();
    let options = RedisRegistryOptions {
        url: redis.url(),
        password: None,
        prefix: "stoa".to_owned(),
        timeout: Duration::from_secs(5),
    };
    churn("redis", Arc::new(RedisRegistry::new(options).unwrap())).await;
}
