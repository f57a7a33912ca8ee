//! Every adapter passes the suite.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_jobs::{
    JobId, ManualClock, MemoryStore, Rules, SeededRandom, Store, Timestamp,
    conformance::{self, Adapter, Storage},
};

use crate::support::File;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Memory;

#[async_trait]
impl Adapter for Memory {
    async fn storage(&self, rules: Rules) -> Box<dyn Storage> {
        let clock = Arc::new(ManualClock::starting_at(START));
        let store = MemoryStore::new(rules, clock.clone(), Arc::new(SeededRandom::new(7)));
        Box::new(InMemory { clock, store })
    }
}

struct InMemory {
    clock: Arc<ManualClock>,
    store: MemoryStore,
}

#[async_trait]
impl Storage for InMemory {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store.another())
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn plant(&self, _id: &JobId, _field: &str, _value: &str) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    conformance::run(&Memory).await;
}

struct Sqlite;

#[async_trait]
impl Adapter for Sqlite {
    async fn storage(&self, rules: Rules) -> Box<dyn Storage> {
        Box::new(File::new(rules))
    }
}

#[async_trait]
impl Storage for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store())
    }

    async fn pass(&self, time: Duration) {
        self.machine.pass(time);
    }

    async fn plant(&self, id: &JobId, field: &str, value: &str) -> bool {
        let sql = "UPDATE body SET json = json_set(json, '$.' || ?2, ?3) WHERE number = (SELECT number FROM job WHERE id = ?1)";
        self.connection()
            .execute(sql, [id.as_str(), field, value])
            .unwrap()
            == 1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_conforms() {
    conformance::run(&Sqlite).await;
}
