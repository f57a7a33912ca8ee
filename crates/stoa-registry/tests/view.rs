//! The view, over a registry that fails when it is told to. The clock is paused, so that hours pass in no time.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::{sync::Arc, time::Duration};

use stoa_registry::{
    Announcer, AnnouncerStanding, Fault, FaultyRegistry, InstanceId, MemoryRegistry, NodeState, Registration,
    Registry, Seen, ServiceName, Source, Standing, View, ViewError, ViewOptions,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

const TTL: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(1_000_000);

fn name(service: &str) -> ServiceName {
    service.parse().unwrap()
}

fn node(service: &str, id: &str) -> Registration {
    Registration::new(
        name(service),
        id.parse().unwrap(),
        format!("http://{id}.test"),
        InstanceId::random(),
    )
}

struct Scene {
    memory: MemoryRegistry,
    registry: FaultyRegistry,
    view: View,
}

impl Scene {
    fn new() -> Self {
        Self::with(ViewOptions::default())
    }

    fn with(options: ViewOptions) -> Self {
        let memory = MemoryRegistry::new();
        let registry = FaultyRegistry::new(Arc::new(memory.clone()));
        let view = View::new(Arc::new(registry.clone()), options);
        Self {
            memory,
            registry,
            view,
        }
    }

    async fn register(&self, service: &str, id: &str) -> Registration {
        let registration = node(service, id);
        self.memory.register(&registration, LONG).await.unwrap();
        registration
    }

    async fn ids(&self, service: &str) -> Vec<String> {
        ids(&self.view.get(&name(service)).await.unwrap())
    }

    /// Lets everything run that can run now.
    async fn settle(&self) {
        sleep(Duration::from_millis(1)).await;
    }
}

fn ids(seen: &Seen) -> Vec<String> {
    let nodes = seen.snapshot.nodes.iter();
    nodes.map(|node| node.registration.node.id.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_lookups_are_one_read_and_one_watch() {
    let scene = Scene::new();
    scene.register("proxy", "a").await;
    let mut lookups = JoinSet::new();
    for _ in 0..100 {
        let view = scene.view.clone();
        lookups.spawn(async move { view.get(&name("proxy")).await.unwrap() });
    }
    while let Some(seen) = lookups.join_next().await {
        assert_eq!(ids(&seen.unwrap()), ["a"]);
    }
    scene.settle().await;
    assert_eq!((scene.registry.reads(), scene.registry.watches()), (1, 1));
    scene.register("proxy", "b").await;
    scene.settle().await;
    assert_eq!(scene.ids("proxy").await, ["a", "b"]);
    assert_eq!((scene.registry.reads(), scene.registry.watches()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_away_costs_nobody_a_wait_and_is_asked_less_and_less() {
    let scene = Scene::new();
    scene.register("proxy", "a").await;
    let mut followed = scene.view.follow(&name("proxy"));
    assert!(followed.ready(Duration::from_secs(2)).await);
    scene.settle().await;
    assert_eq!(followed.seen().source, Source::Watched);
    scene.registry.fail(Fault::Away);
    scene.settle().await;
    let began = Instant::now();
    for _ in 0..1_000 {
        let seen = scene.view.get(&name("proxy")).await.unwrap();
        assert_eq!((ids(&seen), seen.source), (vec!["a".to_owned()], Source::Stale));
        assert!(seen.error.is_some());
    }
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "no answer waits for the registry"
    );
    // In ten minutes: pauses grow to 30 s, of which at least a tenth is waited.
    sleep(Duration::from_secs(600)).await;
    let calls = scene.registry.reads() + scene.registry.watches();
    assert!(calls < 80, "{calls} calls in ten minutes");
    assert!(followed.seen().age >= Duration::from_secs(600));
    // When it is back and somebody says so, it is asked at once.
    scene.registry.fail(Fault::None);
    scene.register("proxy", "b").await;
    scene.view.nudge();
    scene.settle().await;
    assert_eq!(scene.ids("proxy").await, ["a", "b"]);
    assert_eq!(followed.seen().source, Source::Watched);
    assert!(followed.seen().error.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_a_watch_was_broken_is_told_by_the_next_one() {
    let scene = Scene::new();
    scene.register("proxy", "a").await;
    let _followed = scene.view.follow(&name("proxy"));
    scene.settle().await;
    for round in 0..20 {
        scene.registry.fail(Fault::Away);
        scene.settle().await;
        scene.register("proxy", &format!("n{round:02}")).await;
        scene.registry.fail(Fault::None);
        scene.view.nudge();
        scene.settle().await;
        assert_eq!(scene.ids("proxy").await.len(), round + 2, "round {round}");
    }
    assert_eq!(scene.registry.reads(), 1, "watches go on from their revision");
    // When that is forgotten, everything is read once more.
    scene.registry.fail(Fault::Away);
    scene.settle().await;
    scene.register("proxy", "z").await;
    scene.memory.forget();
    scene.registry.fail(Fault::None);
    scene.view.nudge();
    sleep(Duration::from_secs(31)).await;
    assert_eq!(scene.ids("proxy").await.last().unwrap(), "z");
    assert_eq!((scene.registry.reads(), scene.view.stats().lost_watches), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_emptied_registry_changes_nothing_until_the_nodes_are_back() {
    let scene = Scene::new();
    let announced = ["a", "b", "c"].map(|id| {
        let registry: Arc<dyn Registry> = Arc::new(scene.registry.clone());
        Announcer::start(registry, node("proxy", id), TTL, None, 7)
    });
    scene.settle().await;
    let followed = scene.view.follow(&name("proxy"));
    scene.settle().await;
    let before: Vec<_> = followed
        .load()
        .nodes
        .iter()
        .map(|node| node.registration.clone())
        .collect();
    assert_eq!(before.len(), 3);
    scene.memory.wipe();
    scene.settle().await;
    let now = followed.load();
    assert!(now.nodes.iter().all(|node| node.standing == Standing::Suspect));
    let now: Vec<_> = now.nodes.iter().map(|node| node.registration.clone()).collect();
    assert_eq!(now, before);
    sleep(TTL / 3).await;
    scene.settle().await;
    assert!(
        followed
            .load()
            .nodes
            .iter()
            .all(|node| node.standing == Standing::Live)
    );
    // Those who leave are gone at once, all of them.
    for announcer in &announced {
        announcer.leave(Duration::from_secs(1)).await;
    }
    scene.settle().await;
    assert_eq!(followed.load().nodes, []);
    assert_eq!(scene.view.stats().suspected, 3);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_died_is_gone_in_its_time_to_live_though_others_are_heard() {
    let scene = Scene::new();
    let registry: Arc<dyn Registry> = Arc::new(scene.registry.clone());
    let alive = ["a", "b"].map(|id| Announcer::start(Arc::clone(&registry), node("proxy", id), TTL, None, 1));
    let dead = node("proxy", "dead");
    scene.memory.register(&dead, TTL).await.unwrap();
    let mut followed = scene.view.follow(&name("proxy"));
    scene.settle().await;
    assert_eq!(followed.load().nodes.len(), 3);
    let died = Instant::now();
    while followed.load().nodes.len() == 3 {
        timeout(Duration::from_secs(60), followed.changed())
            .await
            .unwrap();
    }
    assert!(
        died.elapsed() <= TTL + Duration::from_secs(1),
        "{:?}",
        died.elapsed()
    );
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(ids(&followed.seen()), ["a", "b"]);
    drop(alive);
}

#[tokio::test(start_paused = true)]
async fn unknown_names_leave_nothing_behind() {
    let scene = Scene::new();
    for number in 0..100_000 {
        let unknown = scene.view.get(&name(&format!("unknown-{number}"))).await;
        assert!(matches!(unknown, Err(ViewError::Unknown(_))));
    }
    assert_eq!(scene.registry.reads(), 100_000);
    assert!(scene.registry.watches() <= 1, "one watch for all of them");
    assert!(scene.view.negatives() <= 10_000);
    let again = scene.view.get(&name("unknown-99999")).await;
    assert!(matches!(again, Err(ViewError::Unknown(_))));
    assert_eq!(scene.registry.reads(), 100_000, "it is believed for a moment");
    sleep(Duration::from_secs(2)).await;
    assert_eq!((scene.view.negatives(), scene.view.tasks()), (0, 0));
    assert_eq!(scene.view.services().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_ends_the_belief_that_there_is_none() {
    let scene = Scene::new();
    assert!(scene.view.get(&name("late")).await.is_err());
    scene.settle().await;
    scene.register("late", "a").await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.ids("late").await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_told_as_unknown() {
    let scene = Scene::new();
    for fault in [Fault::Away, Fault::Silent] {
        scene.registry.fail(fault);
        let error = scene.view.get(&name("proxy")).await.unwrap_err();
        assert!(matches!(error, ViewError::Unread { .. }), "{error}");
        sleep(Duration::from_millis(300)).await;
    }
    scene.registry.fail(Fault::None);
    scene.register("proxy", "a").await;
    scene.view.nudge();
    assert_eq!(
        scene.ids("proxy").await,
        ["a"],
        "at once, for who knows that it is back"
    );
}

#[tokio::test(start_paused = true)]
async fn one_service_does_not_share_the_fate_of_another() {
    let scene = Scene::new();
    scene.register("good", "a").await;
    assert_eq!(scene.ids("good").await, ["a"]);
    scene.registry.fail(Fault::Away);
    assert!(scene.view.get(&name("bad")).await.is_err());
    scene.registry.fail(Fault::None);
    scene.view.nudge();
    // Until the new watch has told something.
    sleep(Duration::from_secs(10)).await;
    let seen = scene.view.get(&name("good")).await.unwrap();
    assert_eq!((seen.source, seen.error.is_none()), (Source::Watched, true));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_cannot_be_watched_is_read_once_in_each_time() {
    let memory = MemoryRegistry::new();
    memory.register(&node("proxy", "a"), LONG).await.unwrap();
    let registry = FaultyRegistry::unwatchable(Arc::new(memory.clone()));
    let options = ViewOptions {
        refresh: Duration::from_secs(1),
        ..ViewOptions::default()
    };
    let view = View::new(Arc::new(registry.clone()), options);
    let followed = view.follow(&name("proxy"));
    sleep(Duration::from_secs(100)).await;
    let reads = registry.reads();
    assert!((85..=120).contains(&reads), "{reads} reads in 100 s");
    assert_eq!(registry.watches(), 0);
    memory.register(&node("proxy", "b"), LONG).await.unwrap();
    sleep(Duration::from_millis(1_200)).await;
    assert_eq!(ids(&followed.seen()), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_about_any_more_is_not_watched() {
    let scene = Scene::new();
    scene.register("asked", "a").await;
    scene.register("followed", "b").await;
    let followed = scene.view.follow(&name("followed"));
    scene.ids("asked").await;
    assert_eq!(scene.view.services().len(), 2);
    sleep(Duration::from_secs(1_000)).await;
    let left: Vec<_> = scene
        .view
        .services()
        .into_iter()
        .map(|seen| seen.snapshot.service.clone())
        .collect();
    assert_eq!(left, [name("followed")]);
    drop(followed);
    sleep(Duration::from_secs(1_000)).await;
    assert_eq!((scene.view.services().len(), scene.view.tasks()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_not_told() {
    let scene = Scene::with(ViewOptions {
        max_stale: Some(Duration::from_secs(300)),
        ..ViewOptions::default()
    });
    scene.register("proxy", "a").await;
    scene.ids("proxy").await;
    scene.registry.fail(Fault::Away);
    sleep(Duration::from_secs(200)).await;
    assert_eq!(scene.ids("proxy").await, ["a"]);
    sleep(Duration::from_secs(101)).await;
    let error = scene.view.get(&name("proxy")).await.unwrap_err();
    assert!(matches!(error, ViewError::TooOld { .. }), "{error}");
}

#[tokio::test]
async fn a_view_begins_from_the_disk_while_the_registry_is_away() {
    let directory = tempfile::tempdir().unwrap();
    let options = || ViewOptions {
        snapshots: Some(directory.path().to_owned()),
        ..ViewOptions::default()
    };
    let first = Scene::with(options());
    first.register("proxy", "a").await;
    let followed = first.view.follow(&name("proxy"));
    let file = directory.path().join("proxy.json");
    timeout(Duration::from_secs(10), async {
        while !file.try_exists().unwrap() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    first.view.stop().await;
    drop(followed);
    // The registry of the next process is another one that is away.
    let second = Scene::with(options());
    second.registry.fail(Fault::Away);
    let mut followed = second.view.follow(&name("proxy"));
    assert!(followed.ready(Duration::from_millis(200)).await);
    assert_eq!(
        (ids(&followed.seen()), followed.seen().source),
        (vec!["a".to_owned()], Source::Disk)
    );
    second.view.stop().await;
    for damaged in [&b"{"[..], b"", b"[]", b"\xff\xff"] {
        std::fs::write(&file, damaged).unwrap();
        let third = Scene::with(options());
        third.registry.fail(Fault::Away);
        let mut followed = third.view.follow(&name("proxy"));
        assert!(!followed.ready(Duration::from_millis(50)).await);
        third.view.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_nothing() {
    for fault in [Fault::None, Fault::Away, Fault::Silent] {
        let scene = Scene::new();
        scene.register("proxy", "a").await;
        let _followed = scene.view.follow(&name("proxy"));
        scene.settle().await;
        scene.registry.fail(fault);
        sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        scene.view.stop().await;
        scene.view.stop().await;
        assert!(began.elapsed() < Duration::from_millis(100), "{fault:?}");
        assert_eq!(scene.view.tasks(), 0);
        assert!(scene.view.get(&name("other")).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_announcer_tells_what_others_see() {
    let scene = Scene::new();
    let registry: Arc<dyn Registry> = Arc::new(scene.registry.clone());
    scene.registry.fail(Fault::Away);
    let announcer = Announcer::start(Arc::clone(&registry), node("proxy", "a"), TTL, None, 3);
    let mut standing = announcer.standing();
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(
        *standing.borrow_and_update(),
        AnnouncerStanding::Failing { .. }
    ));
    scene.registry.fail(Fault::None);
    sleep(TTL / 3).await;
    assert!(matches!(
        *standing.borrow_and_update(),
        AnnouncerStanding::Announced { .. }
    ));
    announcer.update(|registration| registration.state = NodeState::Draining);
    assert!(!announcer.is_known(), "nobody has heard of it yet");
    assert!(announcer.known(Duration::from_secs(1)).await);
    scene.settle().await;
    let seen = scene.view.get(&name("proxy")).await.unwrap();
    assert_eq!(seen.snapshot.nodes[0].registration.state, NodeState::Draining);
    // Another process under the same id, at another address.
    let mut twin = node("proxy", "a");
    twin.node.address = "http://twin.test".to_owned();
    let twin = Announcer::start(registry, twin, TTL, None, 4);
    scene.settle().await;
    let refused = twin.standing().borrow().clone();
    let AnnouncerStanding::Taken { error, .. } = refused else {
        panic!("{refused:?}")
    };
    let text = error.to_string();
    assert!(
        text.contains("http://a.test") && text.contains("http://twin.test"),
        "{text}"
    );
    // What cannot be told is known not to be.
    scene.registry.fail(Fault::Away);
    announcer.update(|registration| registration.state = NodeState::Ready);
    let began = tokio::time::Instant::now();
    assert!(!announcer.known(Duration::from_secs(60)).await);
    assert!(began.elapsed() < Duration::from_secs(1), "it is not waited for");
    scene.registry.fail(Fault::None);
    sleep(TTL / 3).await;
    assert!(announcer.is_known());
    // When the first one is gone, the other one takes its place.
    announcer.leave(Duration::from_secs(1)).await;
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(
        *twin.standing().borrow(),
        AnnouncerStanding::Announced { .. }
    ));
}

/// A node that was killed, and starts at another address, waits until its old place has run out, and is never told that it is
/// taken for good.
#[tokio::test(start_paused = true)]
async fn a_place_that_runs_out_is_not_taken_for_good() {
    let scene = Scene::new();
    let registry: Arc<dyn Registry> = Arc::new(scene.registry.clone());
    let moved = |address: &str| {
        let mut node = node("proxy", "a");
        node.node.address = address.to_owned();
        node
    };
    let most = TTL + Duration::from_secs(2);
    for seed in 0..20 {
        let address = format!("http://{seed}.test");
        let killed = Announcer::start(Arc::clone(&registry), moved(&address), TTL, None, seed);
        scene.settle().await;
        sleep(Duration::from_millis(137 * seed)).await;
        drop(killed);
        let later = Announcer::start(Arc::clone(&registry), moved("http://later.test"), TTL, None, seed);
        let (mut standing, began) = (later.standing(), tokio::time::Instant::now());
        while !matches!(*standing.borrow_and_update(), AnnouncerStanding::Announced { .. }) {
            assert!(standing.borrow().taken_for(most).is_none(), "seed {seed}");
            standing.changed().await.unwrap();
        }
        assert!(began.elapsed() <= most, "seed {seed}: {:?}", began.elapsed());
        // One that stays is another matter.
        let twin = Announcer::start(Arc::clone(&registry), moved("http://twin.test"), TTL, None, seed);
        let (mut standing, began) = (twin.standing(), tokio::time::Instant::now());
        while standing.borrow_and_update().taken_for(most).is_none() {
            standing.changed().await.unwrap();
        }
        let waited = began.elapsed();
        assert!(
            (most..most + Duration::from_secs(2)).contains(&waited),
            "seed {seed}: {waited:?}"
        );
        drop(twin);
        later.leave(Duration::from_secs(1)).await;
    }
}
