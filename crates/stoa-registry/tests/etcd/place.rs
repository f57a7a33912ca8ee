//! An etcd and its clients.

use std::{sync::Arc, time::Duration};

use stoa_registry::{
    Change, Event, InstanceId, Registration, Registry, RegistryError, ServiceName, Watch,
    etcd::{EtcdOptions, EtcdRegistry},
};
use stoa_testing::etcd::Etcd;
use tokio::time::timeout;

use crate::http::Http;

pub(crate) const LONG: Duration = Duration::from_secs(300);
pub(crate) const PREFIX: &str = "/stoa/registry/";

pub(crate) fn options(urls: &[String]) -> EtcdOptions {
    EtcdOptions::new(urls.iter().map(|url| url.parse().unwrap()).collect())
}

pub(crate) fn open(options: EtcdOptions) -> Arc<dyn Registry> {
    Arc::new(EtcdRegistry::new(options, Arc::new(Http)).unwrap())
}

pub(crate) fn client(etcd: &Etcd) -> Arc<dyn Registry> {
    open(options(&[etcd.url()]))
}

pub(crate) fn proxy() -> ServiceName {
    "proxy".parse().unwrap()
}

pub(crate) fn node(id: &str) -> Registration {
    let address = format!("http://{id}.test:3000");
    Registration::new(proxy(), id.parse().unwrap(), address, InstanceId::from_number(7))
}

/// The ids of the nodes of the service, sorted.
pub(crate) async fn nodes(registry: &dyn Registry) -> Vec<String> {
    let listing = registry.get(&proxy()).await.unwrap();
    let ids = listing.entries.iter();
    ids.map(|entry| entry.registration.node.id.to_string()).collect()
}

/// What comes next that is no bookmark.
pub(crate) async fn next(watch: &mut Box<dyn Watch>) -> Result<Change, RegistryError> {
    let next = async {
        loop {
            match watch.next().await {
                Ok(Change::Bookmark { .. }) => {}
                told => return told,
            }
        }
    };
    timeout(Duration::from_secs(30), next)
        .await
        .expect("a word in time")
}

/// The ids in the next batch, `-` before those that are gone.
pub(crate) async fn batch(watch: &mut Box<dyn Watch>) -> Vec<String> {
    match next(watch).await.unwrap() {
        Change::Batch { events, .. } => events.iter().map(short).collect(),
        other => panic!("a batch is expected, not {other:?}"),
    }
}

pub(crate) fn short(event: &Event) -> String {
    match event {
        Event::Put(entry) => entry.registration.node.id.to_string(),
        Event::Gone { node, .. } => format!("-{node}"),
    }
}
