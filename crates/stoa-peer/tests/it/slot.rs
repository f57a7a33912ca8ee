//! That those who share a peer share its session.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use stoa_peer::{PeerError, SessionSlot};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, yield_now},
};

use crate::support::{server, session};

/// What a hello says that does not come through.
fn unreachable_peer() -> PeerError {
    PeerError::Unreachable(Arc::new(io::Error::other("no route")))
}

/// A slot, how many hellos have begun, and what lets one go on.
#[derive(Default)]
struct Scene {
    slot: SessionSlot,
    hellos: AtomicUsize,
}

impl Scene {
    /// Tasks that want a session, each with a hello that waits for `go` and then succeeds, or not. They all wait when it returns.
    async fn want(
        self: &Arc<Self>,
        tasks: usize,
        go: &Arc<Semaphore>,
        succeeds: bool,
    ) -> JoinSet<Result<stoa_peer::SessionId, PeerError>> {
        let mut waiting = JoinSet::new();
        for _ in 0..tasks {
            let (scene, go) = (Arc::clone(self), Arc::clone(go));
            waiting.spawn(async move {
                let hello = || async {
                    scene.hellos.fetch_add(1, Ordering::SeqCst);
                    go.acquire().await.expect("it is open").forget();
                    if succeeds {
                        Ok(session("ada", &server("bob")))
                    } else {
                        Err(unreachable_peer())
                    }
                };
                scene.slot.get_or_hello(hello).await.map(|session| session.id())
            });
        }
        // The runtime has one thread: each task has come to where it waits.
        for _ in 0..tasks {
            yield_now().await;
        }
        waiting
    }

    fn hellos(&self) -> usize {
        self.hellos.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn one_hello_serves_all() {
    let (scene, go) = (Arc::new(Scene::default()), Arc::new(Semaphore::new(0)));
    let waiting = scene.want(100, &go, true).await;
    assert_eq!(scene.hellos(), 1);
    go.add_permits(100);
    let sessions = waiting.join_all().await;
    let first = scene.slot.current().expect("a session").id();
    assert!(
        sessions
            .into_iter()
            .all(|session| session.is_ok_and(|id| id == first))
    );
    assert_eq!(scene.hellos(), 1);
}

#[tokio::test]
async fn one_failure_serves_all_who_wait_and_nobody_later() {
    let (scene, go) = (Arc::new(Scene::default()), Arc::new(Semaphore::new(0)));
    let waiting = scene.want(100, &go, false).await;
    go.add_permits(100);
    let failures = waiting.join_all().await;
    assert!(
        failures
            .iter()
            .all(|failure| matches!(failure, Err(PeerError::Unreachable(_))))
    );
    assert_eq!((failures.len(), scene.hellos()), (100, 1));
    let later = scene.want(1, &go, true).await.join_all().await;
    assert!(later[0].is_ok());
    assert_eq!(scene.hellos(), 2);
}

#[tokio::test]
async fn who_goes_away_leaves_the_hello_to_the_next() {
    let (scene, go) = (Arc::new(Scene::default()), Arc::new(Semaphore::new(0)));
    let mut first = scene.want(1, &go, true).await;
    let others = scene.want(10, &go, true).await;
    first.shutdown().await;
    go.add_permits(1);
    assert!(others.join_all().await.iter().all(Result::is_ok));
    assert_eq!(scene.hellos(), 2);
}

#[tokio::test]
async fn a_session_that_is_forgotten_is_replaced_once() {
    let (scene, go) = (Arc::new(Scene::default()), Arc::new(Semaphore::new(10)));
    scene.want(1, &go, true).await.join_all().await;
    let old = scene.slot.current().expect("a session");
    scene.slot.forget(&old);
    assert!(scene.slot.current().is_none());
    scene.want(5, &go, true).await.join_all().await;
    let new = scene.slot.current().expect("a session");
    assert_ne!(old.id(), new.id());
    // Those that were refused at the same time come later, and find that it was replaced.
    for _ in 0..5 {
        scene.slot.forget(&old);
    }
    assert_eq!(scene.slot.current().expect("a session").id(), new.id());
    assert_eq!(scene.hellos(), 2);
}
