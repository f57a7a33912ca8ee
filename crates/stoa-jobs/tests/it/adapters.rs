//! Every adapter passes the suite.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_jobs::{
    JobId, ManualClock, MemoryStore, Rules, SeededRandom, Store, Timestamp,
    conformance::{self, Adapter, Storage},
};

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
