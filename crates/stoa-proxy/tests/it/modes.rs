//! Clients that do not wait.

use std::{sync::Arc, time::Duration};

use stoa_fetch::{Caller, Context, Hops, Question};
use stoa_jobs::{
    Engine, Job, JobQuery, KindOptions, MemoryStore, Rules, StateName, Store, SystemClock, SystemRandom,
};
use stoa_module::{PatternList, Resource};
use stoa_proxy::{
    Download, MODULE, Meaning, MissOptions, MissQueue, Mode, Modes, ModuleHandler, Outcome, ProxyError,
    Refreshes,
};
use stoa_storage::FileKind;
use stoa_testing::{gate::Gate, reply::Reply};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::lab::{Ask, Lab, go_mod, info, latest, list, module, read, resource, zip};

struct Scene {
    lab: Lab,
    store: Arc<MemoryStore>,
    engine: Arc<Engine>,
    refreshes: Arc<Refreshes>,
    modes: Modes,
}

impl Scene {
    /// All modules of example.com are asynchronous; so many jobs may be open.
    async fn new(open: usize) -> Self {
        let scene = Self::without_queue().await;
        scene.queue(open);
        scene
    }

    async fn without_queue() -> Self {
        let modes = Modes {
            rules: vec![(PatternList::parse("example.com,*.example/x"), Mode::Async)],
            ..Modes::default()
        };
        let lab = Lab::with_modes(modes.clone()).await;
        let store = Arc::new(MemoryStore::new(
            Rules::default(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        ));
        let download = Download::new(Arc::clone(&lab.protocol), Arc::clone(&lab.storage));
        let handler = Arc::new(ModuleHandler::new(Arc::clone(&lab.protocol), download));
        let engine = Engine::builder(store.clone())
            .handler(MODULE.parse().unwrap(), handler, KindOptions::default())
            .start();
        let refreshes = Arc::new(Refreshes::new(None));
        Self {
            lab,
            store,
            engine: Arc::new(engine),
            refreshes,
            modes,
        }
    }

    /// A queue, which is put into its place if that is free.
    fn queue(&self, open: usize) -> MissQueue {
        let options = MissOptions {
            open,
            failed_ttl: Duration::from_secs(30),
            refreshes: Arc::clone(&self.refreshes),
        };
        let (tasks, ending) = (TaskTracker::new(), CancellationToken::new());
        let queue = MissQueue::new(Arc::clone(&self.engine), options, tasks, ending);
        self.modes.queue.fill(Arc::new(queue.clone()));
        queue
    }

    async fn jobs(&self) -> Vec<Job> {
        self.store.jobs(&JobQuery::latest(500)).await.unwrap().jobs
    }

    async fn refused(&self, resource: &Resource) -> ProxyError {
        self.lab.protocol.ask(resource).await.expect_err("not here")
    }

    async fn ended(&self, id: &str) -> Job {
        let id = id.parse().unwrap();
        let wait = self.engine.wait(&id, Duration::from_secs(60));
        wait.await.unwrap().unwrap().0
    }

    /// Every request for this file waits for the gate.
    fn hold(&self, path: &str) -> Gate {
        let gate = Gate::new();
        let reply = Reply::Held(gate.clone(), Box::new(Reply::text(404, "none")));
        self.lab.upstream.on(path, reply);
        gate
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_answered_at_once_and_a_thousand_are_one_job() {
    let scene = Scene::new(100).await;
    let module = module();
    scene.lab.upstream.module(&module);
    let gate = Gate::new();
    let slow = Reply::Held(gate.clone(), Box::new(Reply::ok(module.info())));
    scene.lab.upstream.on(&module.url_path("info"), slow);
    let mut asking = JoinSet::new();
    for n in 0..1_000 {
        let (protocol, resource) = (
            Arc::clone(&scene.lab.protocol),
            if n % 2 == 0 { info() } else { zip() },
        );
        asking.spawn(async move { protocol.ask(&resource).await.expect_err("not here") });
    }
    let errors = asking.join_all().await;
    let jobs = scene.jobs().await;
    assert_eq!((jobs.len(), jobs[0].submitters.len()), (1, 1), "{jobs:?}");
    let id = jobs[0].id.as_str();
    for error in &errors {
        assert_eq!((error.meaning(), error.job()), (Meaning::Coming, Some(id)));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
    }
    assert_eq!(
        scene.refused(&info()).await.to_string(),
        format!(
            "example.com/a@v1.0.0.info is not here yet: it is being brought in (job {id}); ask again in some seconds"
        )
    );
    gate.release();
    assert_eq!(scene.ended(id).await.state.name(), StateName::Ok);
    for (resource, bytes) in [
        (info(), module.info()),
        (go_mod(), module.go_mod()),
        (zip(), module.zip().to_bytes()),
    ] {
        let answer = scene.lab.protocol.ask(&resource).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Hit, "{resource}");
        assert_eq!(read(answer.into_parts().0).await.unwrap(), bytes);
    }
    assert_eq!(scene.lab.upstream.total(), 3, "one request a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_mod_that_is_missed_costs_no_zip() {
    let scene = Scene::new(100).await;
    scene.lab.upstream.module(&module());
    let error = scene.refused(&go_mod()).await;
    scene.ended(error.job().unwrap()).await;
    assert_eq!(scene.lab.get(&go_mod()).await.unwrap(), module().go_mod());
    assert_eq!(scene.lab.stored(FileKind::Zip).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_clients_question_for_a_fixed_file_is_answered_as_ever() {
    let scene = Scene::new(100).await;
    scene.lab.upstream.module(&module());
    assert_eq!(scene.lab.get(&list()).await.unwrap(), "v1.0.0\n");
    assert_eq!(scene.lab.get(&latest()).await.unwrap(), module().info());
    let other_node = Context {
        hops: Hops::One,
        ..Context::interactive(Caller::Anonymous)
    };
    let of_stoa = Context::interactive(Caller::Stoa);
    for (resource, context) in [(go_mod(), other_node), (zip(), of_stoa)] {
        let question = Question::new(resource, context);
        assert!(scene.lab.protocol.get(&question).await.is_ok(), "{question}");
    }
    let other =
        stoa_testing::fixtures::ModuleFixture::new("other.example/a", "v1.0.0").file("a.go", "package a\n");
    scene.lab.upstream.module(&other);
    assert_eq!(
        scene
            .lab
            .get(&resource("other.example/a/@v/v1.0.0.mod"))
            .await
            .unwrap(),
        other.go_mod()
    );
    assert_eq!(scene.jobs().await, []);
    // Nor is anything put off where nobody takes it, as by a command.
    let alone = Scene::without_queue().await;
    alone.lab.upstream.module(&module());
    assert_eq!(alone.lab.get(&info()).await.unwrap(), module().info());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_told_and_makes_no_job_for_a_while() {
    let scene = Scene::new(100).await;
    scene.lab.upstream.on(
        "/example.com/a/@v/v1.0.0.info",
        Reply::text(404, "not found: no such tag"),
    );
    let error = scene.refused(&zip()).await;
    let id = error.job().unwrap().to_owned();
    let job = scene.ended(&id).await;
    assert_eq!(
        (job.state.name(), job.charged, job.keep_ms),
        (StateName::Dead, 1, Some(600_000))
    );
    // The queue hears of the end, too.
    let mut told = scene.refused(&zip()).await;
    while told.meaning() == Meaning::Coming {
        tokio::task::yield_now().await;
        told = scene.refused(&zip()).await;
    }
    for _ in 0..50 {
        let told = scene.refused(&zip()).await;
        assert_eq!(
            (told.meaning(), told.job()),
            (Meaning::NotFound, Some(&*id)),
            "{told}"
        );
        assert!(told.to_string().contains("no such tag"), "{told}");
    }
    assert_eq!((scene.jobs().await.len(), scene.lab.upstream.total()), (1, 1));
    // Somebody has pushed.
    scene
        .lab
        .upstream
        .recover("/example.com/a/@v/v1.0.0.info")
        .module(&module());
    scene.refreshes.modules(PatternList::parse("example.com/a"));
    let mut again = scene.refused(&info()).await;
    // "Not found" of a file is remembered for a second by another layer.
    while again.meaning() == Meaning::NotFound {
        tokio::time::sleep(Duration::from_millis(100)).await;
        again = scene.refused(&info()).await;
    }
    assert_eq!(again.meaning(), Meaning::Coming, "{again}");
    assert_ne!(again.job().unwrap(), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_ask_for_is_bounded_and_leaves_room_for_others() {
    let scene = Scene::new(4).await;
    scene.lab.upstream.on_everything(Reply::Hang);
    let of = |site: &str, n: usize| resource(&format!("{site}.example/x/m{n}/@v/v1.0.0.info"));
    let mut taken = Vec::new();
    for n in 0..20 {
        let error = scene.refused(&of("evil", n)).await;
        match error.meaning() {
            Meaning::Coming => taken.push(n),
            meaning => {
                assert_eq!(meaning, Meaning::Overloaded, "{error}");
                assert_eq!(error.retry_after(), Some(Duration::from_secs(10)));
            }
        }
    }
    assert_eq!(taken, [0, 1, 2], "three quarters");
    assert_eq!(
        scene.refused(&of("evil", 1)).await.meaning(),
        Meaning::Coming,
        "it is taken"
    );
    assert_eq!(scene.refused(&of("good", 0)).await.meaning(), Meaning::Coming);
    assert_eq!(scene.refused(&of("late", 0)).await.meaning(), Meaning::Overloaded);
    assert_eq!(scene.jobs().await.len(), 4);
    // Another process counts what is open.
    let next = scene.queue(4);
    next.recover().await;
    assert_eq!(format!("{next:?}"), "MissQueue { open: Quota(4 of 4), .. }");
    scene.lab.upstream.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_its_job_and_nothing_else() {
    let scene = Scene::new(8).await;
    let _gate = scene.hold("/example.com/a/@v/v1.0.0.info");
    for _ in 0..200 {
        // It is polled once, and dropped.
        let protocol = Arc::clone(&scene.lab.protocol);
        let asked = tokio::time::timeout(Duration::ZERO, async move { protocol.ask(&info()).await });
        drop(asked.await);
    }
    assert_eq!(scene.refused(&info()).await.meaning(), Meaning::Coming);
    let jobs = scene.jobs().await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_not_promised() {
    let scene = Scene::new(8).await;
    scene.lab.upstream.module(&module());
    scene.store.close().await;
    let error = scene.refused(&info()).await;
    assert_eq!(error.meaning(), Meaning::Overloaded, "{error}");
    assert!(
        error
            .to_string()
            .starts_with("it is not here yet, and cannot be brought in later"),
        "{error}"
    );
    scene.engine.quiet();
    assert_eq!(
        scene.refused(&info()).await.to_string(),
        "this server is shutting down"
    );
}
