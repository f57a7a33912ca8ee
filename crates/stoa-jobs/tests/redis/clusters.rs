//! More than one Redis.

use stoa_jobs::{RedisOptions, RedisStore, StateName, Store as _, StoreError};
use tokio::time::Instant;

use crate::{
    jobs::{LONG, claim, finish, job, look},
    server::{PATIENCE, Server, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_of_a_cluster_names_the_one_that_has_the_jobs() {
    let options = ["--appendonly", "yes", "--cluster-enabled", "yes"];
    let (other, owner) = (Server::with(&options), Server::with(&options));
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("ADDSLOTSRANGE").arg(0).arg(16_383);
    owner.ask::<()>(&slots).await;
    let mut meet = redis::cmd("CLUSTER");
    meet.arg("MEET").arg("127.0.0.1").arg(owner.port());
    other.ask::<()>(&meet).await;
    until("the nodes agree", async || {
        let is_ready = async |server: &Server| {
            let info: String = server.ask(redis::cmd("CLUSTER").arg("INFO")).await;
            info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
        };
        is_ready(&other).await && is_ready(&owner).await
    })
    .await;
    let store = RedisStore::open(other.options()).await.expect("opens");
    let id = store.submit(vec![job("x")]).await.expect("submits")[0]
        .id()
        .clone();
    let running = claim(&store, 1, LONG).await.expect("claims").remove(0);
    finish(&store, &running).await.expect("finishes");
    assert_eq!(look(&store, &id).await.state.name(), StateName::Ok);
    let keys: usize = owner.ask(&redis::cmd("DBSIZE")).await;
    assert!(keys > 3, "they are there");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_say_where_the_master_is_also_after_a_failover() {
    let (first, second) = (Server::start(), Server::start());
    let mut replicate = redis::cmd("REPLICAOF");
    replicate.arg("127.0.0.1").arg(first.port());
    second.ask::<()>(&replicate).await;
    until("the replica follows", async || {
        let info: Result<String, _> = second.try_ask(redis::cmd("INFO").arg("replication")).await;
        info.unwrap_or_default().contains("master_link_status:up")
    })
    .await;
    let sentinel = Server::sentinel(first.port());
    let address = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port());
    let options = RedisOptions {
        address: address.parse().expect("an address"),
        ..first.options()
    };
    let store = RedisStore::open(options).await.expect("opens");
    let id = store.submit(vec![job("x")]).await.expect("submits")[0]
        .id()
        .clone();
    let copied: i64 = first.ask(redis::cmd("WAIT").arg(1).arg(0)).await;
    assert_eq!(copied, 1);
    until("the Sentinel knows the replica", async || {
        let replicas: redis::Value = sentinel
            .ask(redis::cmd("SENTINEL").arg("REPLICAS").arg("main"))
            .await;
        format!("{replicas:?}").contains("master-link-status")
    })
    .await;
    until("the Sentinel begins", async || {
        let mut begin = redis::cmd("SENTINEL");
        begin.arg("FAILOVER").arg("main");
        let begun: Result<String, _> = sentinel.try_ask(&begin).await;
        begun.is_ok()
    })
    .await;
    until("the replica is the master", async || {
        // A server that changes its role ends its connections.
        let info: Result<String, _> = second.try_ask(redis::cmd("INFO").arg("replication")).await;
        info.unwrap_or_default().contains("role:master")
    })
    .await;
    until("the old master follows", async || {
        // A server that changes its role ends its connections.
        let info: Result<String, _> = first.try_ask(redis::cmd("INFO").arg("replication")).await;
        info.unwrap_or_default().contains("role:slave")
    })
    .await;
    let end = Instant::now() + PATIENCE;
    let running = loop {
        match claim(&store, 1, LONG).await {
            Ok(mut jobs) => break jobs.remove(0),
            Err(error) => assert!(matches!(error, StoreError::Away(_)), "{error:?}"),
        }
        assert!(Instant::now() < end, "the new master is not found");
    };
    assert_eq!(running.id, id);
    finish(&store, &running).await.expect("finishes");
    let events: usize = second.ask(redis::cmd("XLEN").arg("{stoa-jobs}:events")).await;
    assert_eq!(events, 3, "on the new master");
    store.close().await;
}
