//! Callers who ask for the same thing share one flight.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{FutureExt, future::join_all};
use stoa_proxy::{Content, GrowingWriter, Meaning, Outcome, Refreshes, SingleFlight, growing};
use stoa_storage::{FileKind, ReadAt};
use stoa_testing::{content::Content as Bytes, gate::Gate, reply::Reply};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::{
    fake::{Fake, Say, broken},
    lab::{Bring, Lab, info, list, module, read, settle, zip},
};

#[derive(Debug)]
pub(crate) struct Zeros;

#[async_trait]
impl ReadAt for Zeros {
    async fn read_at(&self, _offset: u64, len: usize) -> std::io::Result<bytes::Bytes> {
        Ok(vec![0; len].into())
    }
}

/// Makes `fake` answer a zip that grows until the writer ends.
fn growing_zip(fake: &Fake) -> GrowingWriter {
    let (writer, growing) = growing(Some(8), Arc::new(Zeros));
    fake.say(&zip(), Say::Growing(growing));
    writer
}

const CALLERS: usize = 200;
const FLIGHTS: usize = 8;

fn flights() -> (Fake, Arc<SingleFlight>, TaskTracker) {
    let (fake, tasks) = (Fake::new(), TaskTracker::new());
    let flight = SingleFlight::new(
        Arc::new(fake.clone()),
        FLIGHTS,
        Arc::new(Refreshes::new(None)),
        tasks.clone(),
    );
    (fake, Arc::new(flight), tasks)
}

#[tokio::test]
async fn two_hundred_cold_callers_cost_one_fetch_and_get_the_same_bytes() {
    let lab = Lab::new().await;
    let module = module().file("data", Bytes::random(1 << 20, 7));
    lab.upstream.module(&module);
    for (resource, suffix, want) in [
        (zip(), "zip", module.zip().to_bytes()),
        (info(), "info", module.info()),
    ] {
        let gate = Gate::new();
        let path = module.url_path(suffix);
        lab.upstream
            .on(&path, Reply::gated_at_end(want.clone(), 5, &gate));
        let callers = join_all((0..CALLERS).map(|_| async {
            let stashed = lab.stasher.bring(&resource).await.unwrap();
            (stashed.outcome, read(stashed.content).await.unwrap())
        }));
        let (got, ()) = tokio::join!(callers, async {
            gate.reached(1).await;
            gate.release();
        });
        assert!(got.iter().all(|(_, bytes)| *bytes == want), "{suffix}");
        let misses = got.iter().filter(|(outcome, _)| *outcome == Outcome::Miss);
        assert_eq!(misses.count(), 1);
        let joined = got.iter().filter(|(outcome, _)| *outcome == Outcome::Coalesced);
        assert_eq!(joined.count(), CALLERS - 1);
        assert_eq!(lab.upstream.count(&path), 1);
    }
}

#[tokio::test]
async fn the_first_caller_may_leave_without_harm_to_the_rest() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    let gate = Gate::new();
    let path = module.url_path("info");
    lab.upstream.on(&path, Reply::ok(module.info()).held(&gate));
    let (info, mut callers) = (info(), Vec::new());
    for _ in 0..3 {
        let mut caller = lab.stasher.bring(&info);
        assert!((&mut caller).now_or_never().is_none());
        callers.push(caller);
    }
    gate.reached(1).await;
    drop(callers.remove(0));
    gate.release();
    for stashed in join_all(callers).await {
        assert_eq!(read(stashed.unwrap().content).await.unwrap(), module.info());
    }
    assert_eq!(lab.stored(FileKind::Info).await.unwrap(), module.info());
    assert_eq!(lab.upstream.count(&path), 1);
}

#[tokio::test]
async fn a_file_is_stored_even_if_everybody_leaves() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    for (resource, suffix, kind, want) in [
        (info(), "info", FileKind::Info, module.info()),
        (zip(), "zip", FileKind::Zip, module.zip().to_bytes()),
    ] {
        let gate = Gate::new();
        let path = module.url_path(suffix);
        lab.upstream
            .on(&path, Reply::gated_at_end(want.clone(), 5, &gate));
        let stasher = Arc::clone(&lab.stasher);
        let mut caller = JoinSet::new();
        caller.spawn(async move { read(stasher.bring(&resource).await?.content).await });
        gate.reached(1).await;
        caller.shutdown().await;
        gate.release();
        settle(&lab.tasks).await;
        assert_eq!(lab.stored(kind).await.unwrap(), want);
        assert_eq!(lab.upstream.count(&path), 1);
    }
}

#[tokio::test]
async fn a_panic_is_an_error_for_all_and_frees_the_key() {
    let (fake, flight, _tasks) = flights();
    fake.say(&info(), Say::Panic);
    fake.hold();
    let info = info();
    let callers = join_all((0..10).map(|_| flight.bring(&info)));
    let (got, ()) = tokio::join!(callers, async {
        fake.reached(1).await;
        fake.release();
    });
    for stashed in got {
        assert_eq!(stashed.unwrap_err().meaning(), Meaning::Internal);
    }
    assert_eq!(fake.count(), 1);
    tokio::task::yield_now().await;
    fake.text(&info, "works");
    assert_eq!(flight.bring(&info).await.unwrap().outcome, Outcome::Miss);
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn an_error_is_shared_and_not_remembered() {
    let (fake, flight, tasks) = flights();
    fake.fail(&list(), broken());
    fake.hold();
    let list = list();
    let callers = join_all((0..10).map(|_| flight.bring(&list)));
    let (got, ()) = tokio::join!(callers, async {
        fake.reached(1).await;
        fake.release();
    });
    for stashed in got {
        assert_eq!(stashed.unwrap_err().meaning(), Meaning::BadUpstream);
    }
    settle(&tasks).await;
    assert_eq!(fake.count(), 1);
    flight.bring(&list).await.unwrap_err();
    settle(&tasks).await;
    assert_eq!(fake.count(), 2, "asked anew");
    fake.text(&list, "works");
    flight.bring(&list).await.unwrap();
}

#[tokio::test]
async fn who_comes_just_after_the_end_is_served_from_storage() {
    let lab = Lab::new().await;
    lab.upstream.module(&module());
    for resource in [info(), zip()] {
        let first = lab.stasher.bring(&resource).await.unwrap();
        let bytes = read(first.content).await.unwrap();
        settle(&lab.tasks).await;
        let second = lab.stasher.bring(&resource).await.unwrap();
        assert_eq!(second.outcome, Outcome::Hit);
        assert!(matches!(second.content, Content::Stored(_)));
        assert_eq!(read(second.content).await.unwrap(), bytes);
    }
    assert_eq!(lab.upstream.total(), 2);
}

#[tokio::test]
async fn callers_join_a_growing_answer_until_it_ends() {
    let (fake, flight, tasks) = flights();
    let writer = growing_zip(&fake);
    assert_eq!(flight.bring(&zip()).await.unwrap().outcome, Outcome::Miss);
    settle(&tasks).await;
    for _ in 0..5 {
        let late = flight.bring(&zip()).await.unwrap();
        assert_eq!(late.outcome, Outcome::Coalesced);
        assert!(matches!(late.content, Content::Growing(_)));
    }
    assert_eq!(fake.count(), 1);
    drop(writer);
    assert_eq!(flight.bring(&zip()).await.unwrap().outcome, Outcome::Miss);
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn different_questions_fly_apart() {
    let (fake, flight, _tasks) = flights();
    fake.text(&info(), "info");
    fake.text(&list(), "list");
    fake.hold();
    let (info, list) = (info(), list());
    let both = join_all([flight.bring(&info), flight.bring(&list)]);
    let (got, ()) = tokio::join!(both, async {
        fake.reached(2).await;
        fake.release();
    });
    for stashed in got {
        assert_eq!(stashed.unwrap().outcome, Outcome::Miss);
    }
    assert_eq!(fake.peak(), 2);
}
