//! Mirrors: what sources have, brought in again and again.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use stoa_jobs::{
    Engine, Failure, Job, JobId, JobQuery, KindOptions, ManualClock, MemoryStore, NoCallbacks, Rules, State,
    StateName, Store, SystemRandom, Timestamp, Wait,
};
use stoa_proxy::{
    Download, MIRROR, MODULE, MirrorHandler, MirrorSchedule, MirrorSpec, MirrorVersions, ModuleHandler,
    schedule_mirrors,
};
use stoa_testing::{fixtures::ModuleFixture, reply::Reply};

use crate::lab::Lab;

const EVERY: Duration = Duration::from_secs(6 * 3600);

struct Scene {
    lab: Lab,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    engine: Engine,
}

/// An engine of this store, as another server has one.
fn engine(lab: &Lab, store: &Arc<MemoryStore>) -> Engine {
    let download = Download::new(Arc::clone(&lab.protocol), Arc::clone(&lab.storage));
    let module = Arc::new(ModuleHandler::new(Arc::clone(&lab.protocol), download));
    let mirror = MirrorHandler::new(Arc::clone(&lab.stasher), Arc::clone(&lab.storage));
    Engine::builder(store.clone())
        .handler(MODULE.parse().unwrap(), module, KindOptions::default())
        .handler(MIRROR.parse().unwrap(), Arc::new(mirror), KindOptions::default())
        .start()
}

impl Scene {
    async fn new(modules: &[ModuleFixture]) -> Self {
        let lab = Lab::new().await;
        lab.upstream.modules(modules);
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_millis(1_000_000_000)));
        let rules = Rules {
            callbacks: Arc::new(MirrorSchedule::new(Arc::new(NoCallbacks))),
            ..Rules::default()
        };
        let store = Arc::new(MemoryStore::new(
            rules,
            Arc::clone(&clock) as _,
            Arc::new(SystemRandom),
        ));
        let engine = engine(&lab, &store);
        Self {
            lab,
            clock,
            store,
            engine,
        }
    }

    async fn mirrors(&self, open: bool) -> Vec<Job> {
        let query = JobQuery {
            kind: MIRROR.parse().ok(),
            ..JobQuery::latest(100)
        };
        let mut jobs = self.store.jobs(&query).await.unwrap().jobs;
        jobs.retain(|job| job.state.name().has_ended() != open);
        jobs
    }

    /// The first run, which may have ended already. The clock stands still, so the run after it was
    /// accepted at the same time, and only its state tells them apart.
    async fn first(&self) -> Job {
        let query = JobQuery {
            kind: MIRROR.parse().ok(),
            ..JobQuery::latest(100)
        };
        let jobs = self.store.jobs(&query).await.unwrap().jobs;
        let mut runs = jobs
            .into_iter()
            .filter(|job| job.state.name() != StateName::Scheduled);
        runs.next().unwrap()
    }

    async fn ended(&self, id: &JobId) -> Job {
        let found = self.engine.wait(id, Duration::from_secs(60)).await.unwrap();
        let job = found.unwrap().0;
        assert!(job.state.name().has_ended(), "{job:?}");
        job
    }

    async fn once(&self, spec: &MirrorSpec) -> Job {
        let submitted = self.store.submit(vec![spec.job()]).await.unwrap();
        self.ended(submitted[0].id()).await
    }

    /// What was asked of the upstream since the last time.
    fn asked(&self) -> Vec<String> {
        let mut paths: Vec<_> = self
            .lab
            .upstream
            .requests()
            .into_iter()
            .map(|request| request.path)
            .collect();
        paths.sort();
        self.lab.upstream.forget_requests();
        paths
    }
}

fn module(name: &str, version: &str) -> ModuleFixture {
    ModuleFixture::new(&format!("example.com/{name}"), version).file("a.go", "package a\n")
}

fn spec(modules: &[&str], versions: MirrorVersions) -> MirrorSpec {
    MirrorSpec {
        name: "test".to_owned(),
        modules: modules.iter().map(|module| (*module).to_owned()).collect(),
        versions,
        limit: None,
        every_ms: None,
    }
}

fn every(spec: MirrorSpec) -> MirrorSpec {
    let every_ms = u64::try_from(EVERY.as_millis()).ok();
    MirrorSpec { every_ms, ..spec }
}

fn files(name: &str, version: &str) -> [String; 3] {
    ["info", "mod", "zip"].map(|file| format!("/example.com/{name}/@v/{version}.{file}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_brings_in_all_and_the_second_one_asks_for_lists() {
    let versions = ["v1.0.0", "v1.1.0", "v1.2.0-rc.1"];
    let scene = Scene::new(&versions.map(|version| module("a", version))).await;
    let all = spec(&["example.com/a"], MirrorVersions::All);
    let job = scene.once(&all).await;
    assert_eq!(
        job.result,
        Some(serde_json::json!({ "modules": 1, "versions": 3 })),
        "{job:?}"
    );
    let mut want: Vec<_> = versions.iter().flat_map(|version| files("a", version)).collect();
    let list = "/example.com/a/@v/list".to_owned();
    // A part of the work is made, and then it is found that there is none left.
    want.push(list.clone());
    want.sort();
    assert_eq!(scene.asked(), want);
    let again = scene.once(&all).await;
    assert_eq!(
        again.result,
        Some(serde_json::json!({ "modules": 1, "versions": 0 }))
    );
    assert_eq!(scene.asked(), [list]);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_chosen() {
    let versions = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0-rc.1"];
    for (chosen, limit, want) in [
        (MirrorVersions::Latest, None, &["v1.2.0"][..]),
        (MirrorVersions::Releases, None, &["v1.0.0", "v1.1.0", "v1.2.0"]),
        (
            MirrorVersions::Releases,
            NonZeroUsize::new(2),
            &["v1.1.0", "v1.2.0"],
        ),
        (MirrorVersions::All, NonZeroUsize::new(1), &["v1.3.0-rc.1"]),
    ] {
        let scene = Scene::new(&versions.map(|version| module("a", version))).await;
        let spec = MirrorSpec {
            limit,
            ..spec(&["example.com/a"], chosen)
        };
        assert_eq!(scene.once(&spec).await.state.name(), StateName::Ok);
        let path = "example.com/a".parse().unwrap();
        let stored = scene.lab.storage.versions(&path).await.unwrap();
        let stored: Vec<_> = stored
            .iter()
            .filter(|stored| stored.zip)
            .map(|stored| stored.version.as_str())
            .collect();
        assert_eq!(stored, want, "{chosen:?} {limit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_selects_from_what_is_stored_and_what_fails_is_told() {
    let scene = Scene::new(&[
        module("a", "v1.0.0"),
        module("b/x", "v1.0.0"),
        module("c", "v1.0.0"),
    ])
    .await;
    for name in ["a", "b/x"] {
        let resource = crate::lab::resource(&format!("example.com/{name}/@v/v1.0.0.mod"));
        scene.lab.get(&resource).await.unwrap();
    }
    scene.lab.upstream.module(&module("b/x", "v1.1.0"));
    scene.asked();
    scene
        .lab
        .upstream
        .on("/example.com/a/@v/list", Reply::text(500, "broken"));
    let job = scene.once(&spec(&["example.com/*"], MirrorVersions::All)).await;
    let State::Dead { failure, .. } = &job.state else {
        panic!("{job:?}")
    };
    assert!(
        failure.text.starts_with(
            "0 of 2 versions could not be brought in, and 1 of 2 modules not be listed; example.com/a: "
        ),
        "{failure:?}"
    );
    let asked = scene.asked();
    assert!(asked.iter().all(|path| !path.contains("/c/")), "{asked:?}");
    for file in files("b/x", "v1.1.0") {
        assert!(asked.contains(&file), "{file}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_begins_again_when_its_time_has_passed_and_once_for_all_that_passed() {
    let scene = Scene::new(&[module("a", "v1.0.0")]).await;
    let wanted = [every(spec(&["example.com/a"], MirrorVersions::Latest))];
    schedule_mirrors(&scene.engine, &wanted).await;
    let first = scene.first().await;
    assert_eq!(scene.ended(&first.id).await.state.name(), StateName::Ok);
    let next = scene.mirrors(true).await;
    let due = Timestamp::from_millis(1_000_000_000).plus(EVERY);
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(
        next[0].state,
        State::Scheduled {
            due,
            why: Wait::Delay
        }
    );
    // Another server on the same store, and this one once more, change nothing.
    let other = engine(&scene.lab, &scene.store);
    schedule_mirrors(&other, &wanted).await;
    schedule_mirrors(&scene.engine, &wanted).await;
    assert_eq!(scene.mirrors(true).await, next);
    scene.asked();
    // Nobody was there three times.
    scene.lab.upstream.module(&module("a", "v1.1.0"));
    scene.clock.advance(3 * EVERY);
    // Those that run wait by another clock, which nobody moves; one that starts now sees that its time has come.
    let late = engine(&scene.lab, &scene.store);
    schedule_mirrors(&late, &wanted).await;
    assert_eq!(scene.ended(&next[0].id).await.state.name(), StateName::Ok);
    let mut want = files("a", "v1.1.0").to_vec();
    want.push("/example.com/a/@v/list".to_owned());
    want.sort();
    let mut asked = scene.asked();
    asked.dedup();
    assert_eq!(asked, want);
    assert_eq!(
        (scene.mirrors(true).await.len(), scene.mirrors(false).await.len()),
        (1, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_does_not_have_any_more_ends_and_what_was_cancelled_goes_on() {
    let scene = Scene::new(&[module("a", "v1.0.0")]).await;
    scene.lab.upstream.on("/example.com/a/@v/list", Reply::Hang);
    let first = every(spec(&["example.com/a"], MirrorVersions::Latest));
    let second = every(spec(&["example.com/a"], MirrorVersions::All));
    schedule_mirrors(&scene.engine, std::slice::from_ref(&first)).await;
    scene.lab.upstream.arrived("/example.com/a/@v/list", 1).await;
    // The one that runs is stopped, and the changed one takes its place.
    schedule_mirrors(&scene.engine, std::slice::from_ref(&second)).await;
    let open = scene.mirrors(true).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].payload, second.job().payload);
    // A run that somebody cancels is that run only.
    let failure = Failure::new("cancelled", "by hand");
    scene
        .store
        .act(&open[0].id, stoa_jobs::Action::Cancel(failure))
        .await
        .unwrap();
    scene.ended(&open[0].id).await;
    let next = scene.mirrors(true).await;
    assert_eq!(
        (next.len(), next[0].state.name()),
        (1, StateName::Scheduled),
        "{next:?}"
    );
    schedule_mirrors(&scene.engine, &[]).await;
    assert_eq!(scene.mirrors(true).await, []);
    scene.lab.upstream.kill();
}
