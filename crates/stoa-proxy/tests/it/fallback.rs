//! `network = "fallback"` under the memory: what stands in for a source, and what it must not take the place of.

use std::sync::Arc;

use bytes::Bytes;
use stoa_proxy::{NetworkMode, Outcome, Refreshes, RevalidationCache, RevalidationOptions, StorageFirst};
use stoa_storage::{FileKey, FileKind, Storage};
use tokio::time::{Duration, advance};
use tokio_util::task::TaskTracker;

use crate::{
    fake::{Fake, broken},
    lab::{Ask, list, memory, module, read, settle, target},
};

struct Fallback {
    source: Fake,
    cache: RevalidationCache,
    tasks: TaskTracker,
}

/// Memory over a storage with v1.0.0 over a source.
async fn fallback() -> Fallback {
    let (source, storage, tasks) = (Fake::new(), memory(), TaskTracker::new());
    store(storage.as_ref()).await;
    let first = StorageFirst::new(Arc::new(source.clone()), storage, NetworkMode::Fallback);
    let cache = RevalidationCache::new(
        Arc::new(first),
        RevalidationOptions::default(),
        Arc::new(Refreshes::new(None)),
        tasks.clone(),
    );
    Fallback { source, cache, tasks }
}

async fn store(storage: &dyn Storage) {
    for (kind, content) in [
        (FileKind::Info, module().info()),
        (FileKind::Mod, module().go_mod()),
    ] {
        storage
            .put(&FileKey::new(target("v1.0.0"), kind), content)
            .await
            .unwrap();
    }
}

impl Fallback {
    async fn list(&self) -> (Bytes, Outcome) {
        let answer = self.cache.ask(&list()).await.unwrap();
        let outcome = answer.outcome;
        (read(answer.into_parts().0).await.unwrap(), outcome)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_does_not_take_the_place_of_what_the_source_once_said() {
    // Just stale, and older than that: either way.
    for age in [Duration::from_secs(60), Duration::from_secs(3600)] {
        let fallback = fallback().await;
        fallback.source.text(&list(), "v1.0.0\nv1.1.0\nv1.2.0\n");
        fallback.list().await;
        fallback.source.fail(&list(), broken());
        advance(age).await;
        for _ in 0..5 {
            let want = Bytes::from_static(b"v1.0.0\nv1.1.0\nv1.2.0\n");
            assert_eq!(fallback.list().await, (want, Outcome::Stale));
            settle(&fallback.tasks).await;
        }
        assert_eq!(fallback.source.count(), 2, "one refresh, then rest");
        fallback.source.text(&list(), "v1.3.0\n");
        advance(Duration::from_secs(30)).await;
        fallback.list().await;
        settle(&fallback.tasks).await;
        assert_eq!(fallback.list().await.0, "v1.3.0\n");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_the_answer_when_the_source_never_gave_one() {
    let fallback = fallback().await;
    fallback.source.fail(&list(), broken());
    assert_eq!(
        fallback.list().await,
        (Bytes::from_static(b"v1.0.0\n"), Outcome::Stale)
    );
    fallback.list().await;
    assert_eq!(
        fallback.source.count(),
        1,
        "it is remembered, so that not everybody waits for the source"
    );
    fallback.source.text(&list(), "v1.1.0\n");
    advance(Duration::from_secs(60)).await;
    fallback.list().await;
    settle(&fallback.tasks).await;
    // What the source says has been put together with what is stored below, by the flight.
    assert_eq!(fallback.list().await.0, "v1.1.0\n");
}
