//! The suite that every store passes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use stoa_jobs::{
    JobId, Rules, Store,
    conformance::{self, Adapter, Storage},
};

use crate::server::{Server, prefix, until};

struct Redis(Arc<Server>);

#[async_trait]
impl Adapter for Redis {
    async fn storage(&self, rules: Rules) -> Box<dyn Storage> {
        Box::new(Prefix {
            server: self.0.clone(),
            name: prefix(),
            rules,
        })
    }
}

/// The keys of one prefix.
struct Prefix {
    server: Arc<Server>,
    name: String,
    rules: Rules,
}

#[async_trait]
impl Storage for Prefix {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.server.open(self.rules.clone(), &self.name).await)
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn plant(&self, id: &JobId, field: &str, value: &str) -> bool {
        let key = format!("{{{}}}:job:{id}", self.name);
        let text: String = self.server.ask(redis::cmd("HGET").arg(&key).arg("job")).await;
        let mut job: Value = serde_json::from_str(&text).expect("a job");
        job[field] = value.into();
        let mut plant = redis::cmd("HSET");
        plant
            .arg(&key)
            .arg("job")
            .arg(job.to_string())
            .arg("future")
            .arg(value);
        self.server.ask::<i64>(&plant).await == 1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_conforms() {
    let server = Server::with(&["--appendonly", "yes"]);
    conformance::run(&Redis(Arc::new(server))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_conforms_as_a_cluster() {
    let server = Server::with(&["--appendonly", "yes", "--cluster-enabled", "yes"]);
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("ADDSLOTSRANGE").arg(0).arg(16_383);
    server.ask::<()>(&slots).await;
    until("the cluster is ready", async || {
        let info: String = server.ask(redis::cmd("CLUSTER").arg("INFO")).await;
        info.contains("cluster_state:ok")
    })
    .await;
    conformance::run(&Redis(Arc::new(server))).await;
}
