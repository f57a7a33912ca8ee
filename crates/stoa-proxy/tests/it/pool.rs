//! How many fetch at one time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use stoa_fetch::Resource;
use stoa_proxy::{GrowingWriter, Meaning, Pool, Stasher, growing};
use stoa_storage::ReadAt;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    fake::{Fake, Say, broken},
    lab::{info, list, resource, zip},
};

#[derive(Debug)]
struct Zeros;

#[async_trait]
impl ReadAt for Zeros {
    async fn read_at(&self, _offset: u64, len: usize) -> std::io::Result<Bytes> {
        Ok(vec![0; len].into())
    }
}

/// Makes `fake` answer a zip that grows until the writer ends.
pub(crate) fn growing_zip(fake: &Fake) -> GrowingWriter {
    let (writer, growing) = growing(Some(8), Arc::new(Zeros));
    fake.say(&zip(), Say::Growing(growing));
    writer
}

fn pool(size: usize) -> (Fake, Arc<Pool>) {
    let fake = Fake::new();
    let pool = Pool::new(Arc::new(fake.clone()), size);
    (fake, Arc::new(pool))
}

fn numbered(n: usize) -> Resource {
    resource(&format!("example.com/m{n}/@v/list"))
}

#[tokio::test]
async fn no_more_than_its_size_run_and_the_rest_wait_in_order() {
    let (fake, pool) = pool(3);
    fake.hold();
    let mut waiting = JoinSet::new();
    for n in 0..20 {
        fake.text(&numbered(n), "x");
        let pool = Arc::clone(&pool);
        waiting.spawn(async move { pool.stash(&numbered(n)).await.map(drop) });
        // Each takes its place in the queue before the next comes.
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.count(), 3);
    fake.release();
    waiting.join_all().await.into_iter().for_each(|got| got.unwrap());
    assert_eq!(fake.peak(), 3);
    let order: Vec<_> = (0..20).map(numbered).collect();
    assert_eq!(fake.asked(), order);
}

#[tokio::test]
async fn a_growing_answer_holds_its_slot_until_it_ends() {
    let (fake, pool) = pool(1);
    let info = info();
    fake.text(&info, "x");
    for good in [true, false] {
        let writer = growing_zip(&fake);
        let stashed = pool.stash(&zip()).await.unwrap();
        let mut waiting = pool.stash(&info);
        assert!((&mut waiting).now_or_never().is_none(), "the slot is taken");
        writer.advance(4);
        drop(stashed);
        assert!(
            (&mut waiting).now_or_never().is_none(),
            "also when nobody reads any more"
        );
        if good {
            writer.finish(Ok(()));
        } else {
            drop(writer);
        }
        waiting.await.unwrap();
    }
}

#[tokio::test]
async fn an_error_a_panic_and_a_caller_who_leaves_free_the_slot() {
    let (fake, pool) = pool(1);
    let (info, list) = (info(), list());
    fake.text(&info, "x");
    fake.fail(&list, broken());
    pool.stash(&list).await.unwrap_err();
    fake.say(&list, Say::Panic);
    let panicked = std::panic::AssertUnwindSafe(pool.stash(&list)).catch_unwind();
    assert!(panicked.await.is_err());
    fake.hold();
    let mut leaving = pool.stash(&info);
    assert!((&mut leaving).now_or_never().is_none());
    drop(leaving);
    fake.release();
    pool.stash(&info).now_or_never().expect("a free slot").unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_to_come_back() {
    let (fake, pool) = pool(1);
    let writer = growing_zip(&fake);
    pool.stash(&zip()).await.unwrap();
    let began = Instant::now();
    let error = pool.stash(&info()).await.unwrap_err();
    assert_eq!(error.meaning(), Meaning::Overloaded);
    assert!(error.retry_after().is_some_and(|after| !after.is_zero()));
    assert!(error.to_string().contains("pool.fetches"), "{error}");
    assert!((Duration::from_secs(1)..=Duration::from_secs(300)).contains(&began.elapsed()));
    assert_eq!(fake.asked(), [zip()]);
    writer.finish(Ok(()));
    fake.text(&info(), "x");
    pool.stash(&info()).await.unwrap();
}
