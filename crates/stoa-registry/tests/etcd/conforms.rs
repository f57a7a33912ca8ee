//! The contract.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use stoa_registry::{
    Registry, ServiceName,
    conformance::{self, Adapter, Place},
};
use stoa_testing::etcd::Etcd;

use crate::place::{open, options};

/// One etcd, in which every place is a prefix.
struct Real {
    etcd: Arc<Etcd>,
    places: AtomicU64,
}

struct Prefix {
    etcd: Arc<Etcd>,
    prefix: String,
}

#[async_trait]
impl Adapter for Real {
    async fn place(&self) -> Box<dyn Place> {
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        Box::new(Prefix {
            etcd: Arc::clone(&self.etcd),
            prefix: format!("/place{number}/"),
        })
    }
}

#[async_trait]
impl Place for Prefix {
    async fn open(&self) -> Arc<dyn Registry> {
        let mut options = options(&[self.etcd.url()]);
        options.prefix.clone_from(&self.prefix);
        open(options)
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn wipe(&self) {
        self.etcd.delete(&self.prefix);
    }

    async fn forget(&self) -> bool {
        self.etcd.compact();
        true
    }

    async fn plant(&self, service: &ServiceName, text: &str) -> bool {
        self.etcd.put(&format!("{}{service}/planted", self.prefix), text);
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_keeps_the_contract() {
    let real = Real {
        etcd: Arc::new(Etcd::start()),
        places: AtomicU64::new(0),
    };
    conformance::run(&real).await;
}
