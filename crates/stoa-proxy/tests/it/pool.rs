//! How many transfers run at one time.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use stoa_fetch::{FetchError, Fetched, Fetcher, Question, SourceName};
use stoa_proxy::Pool;
use tokio::{sync::Notify, time::Instant};

use crate::lab::{question, resource};

/// Answers a list of one line; `example.com/hang` only when told to, `example.com/broken` not at all.
#[derive(Debug, Default)]
struct Hosts {
    go_on: Notify,
    asked: Mutex<Vec<String>>,
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hosts")
    }
}

#[async_trait]
impl Fetcher for Hosts {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let module = question.resource.module().to_string();
        self.asked.lock().unwrap().push(module.clone());
        match module.as_str() {
            "example.com/hang" => self.go_on.notified().await,
            "example.com/broken" => return Err(FetchError::not_found("no")),
            _ => {}
        }
        let pieces = stream::iter([Ok(Bytes::from_static(b"v1.0.0\n"))]).boxed();
        Fetched::new(SourceName::new("hosts"), Some(7), 100, pieces)
    }
}

fn pool(size: usize) -> (Arc<Hosts>, Pool) {
    let hosts = Arc::new(Hosts::default());
    let pool = Pool::new(Arc::clone(&hosts) as _, size);
    (hosts, pool)
}

fn list(module: &str) -> Question {
    question(&resource(&format!("example.com/{module}/@v/list")))
}

#[tokio::test]
async fn no_more_than_its_size_transfer_and_the_rest_wait_in_order() {
    let (_hosts, pool) = pool(2);
    let (a, b) = (list("a"), list("b"));
    let (first, second) = (pool.fetch(&a).await.unwrap(), pool.fetch(&b).await.unwrap());
    let (c, d) = (list("c"), list("d"));
    let (mut third, mut fourth) = (pool.fetch(&c), pool.fetch(&d));
    assert!((&mut third).now_or_never().is_none() && (&mut fourth).now_or_never().is_none());
    drop(first);
    assert!(
        (&mut fourth).now_or_never().is_none(),
        "the third was there before"
    );
    let third = third.now_or_never().expect("a slot").unwrap();
    assert_eq!(
        second.bytes().await.unwrap(),
        "v1.0.0\n",
        "reading to the end gives the slot back"
    );
    fourth.now_or_never().expect("a slot").unwrap();
    drop(third);
}

#[tokio::test]
async fn waiting_for_a_host_takes_no_slot() {
    let (hosts, pool) = pool(1);
    let hang = list("hang");
    let mut waiting: Vec<_> = (0..20).map(|_| pool.fetch(&hang)).collect();
    for one in &mut waiting {
        assert!(one.now_or_never().is_none());
    }
    let other = list("other");
    pool.fetch(&other)
        .now_or_never()
        .expect("the other host answers")
        .unwrap();
    hosts.go_on.notify_waiters();
    waiting.remove(0).await.unwrap();
}

#[tokio::test]
async fn an_error_and_a_caller_who_leaves_take_no_slot_along() {
    let (hosts, pool) = pool(1);
    let (broken, hang, a) = (list("broken"), list("hang"), list("a"));
    pool.fetch(&broken).await.unwrap_err();
    let mut leaving = pool.fetch(&hang);
    assert!((&mut leaving).now_or_never().is_none());
    drop(leaving);
    let held = pool.fetch(&a).await.unwrap();
    let mut leaving = pool.fetch(&a);
    assert!((&mut leaving).now_or_never().is_none());
    drop(leaving);
    drop(held);
    pool.fetch(&a).now_or_never().expect("a free slot").unwrap();
    assert_eq!(hosts.asked.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_to_come_back() {
    let (_hosts, pool) = pool(1);
    let a = list("a");
    let held = pool.fetch(&a).await.unwrap();
    let began = Instant::now();
    let error = pool.fetch(&a).await.unwrap_err();
    assert!(error.to_string().contains("pool.fetches"), "{error}");
    let FetchError::Overloaded { retry_after, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(30)));
    assert_eq!(began.elapsed(), Duration::from_secs(60));
    drop(held);
    pool.fetch(&a).await.unwrap();
}
