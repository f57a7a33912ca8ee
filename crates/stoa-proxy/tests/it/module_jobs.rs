//! Modules that durable jobs bring in.

use std::{sync::Arc, time::Duration};

use stoa_jobs::{
    Engine, Job, JobId, JobPage, JobQuery, KindOptions, MemoryStore, NewJob, Rules, State, StateName, Store,
    SystemClock, SystemRandom,
};
use stoa_module::{Wanted, WantedFormat};
use stoa_proxy::{Download, MODULE, ModuleHandler, PREFETCH, PrefetchHandler, PrefetchSpec};
use stoa_storage::FileKind;
use stoa_testing::fixtures::ModuleFixture;

use crate::lab::{Lab, key};

struct Jobs {
    engine: Engine,
    store: Arc<MemoryStore>,
}

impl Jobs {
    fn of(lab: &Lab) -> Self {
        let store = Arc::new(MemoryStore::new(
            Rules::default(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        ));
        let download = Download::new(Arc::clone(&lab.protocol), Arc::clone(&lab.storage));
        let module = Arc::new(ModuleHandler::new(Arc::clone(&lab.protocol), download));
        let engine = Engine::builder(store.clone())
            .handler(MODULE.parse().unwrap(), module, KindOptions::default())
            .handler(
                PREFETCH.parse().unwrap(),
                Arc::new(PrefetchHandler),
                KindOptions::default(),
            )
            .start();
        Self { engine, store }
    }

    async fn prefetch(&self, go_sum: &str) -> Job {
        let wanted = Wanted::read(WantedFormat::GoSum, go_sum).unwrap();
        let job = PrefetchSpec::new("go.sum", &wanted).job();
        let id = self.submit(job).await;
        self.ended(&id).await
    }

    async fn submit(&self, job: NewJob) -> JobId {
        self.store.submit(vec![job]).await.unwrap().remove(0).id().clone()
    }

    async fn ended(&self, id: &JobId) -> Job {
        let (job, _) = self
            .engine
            .wait(id, Duration::from_secs(60))
            .await
            .unwrap()
            .unwrap();
        assert!(job.state.name().has_ended(), "{job:?}");
        job
    }

    async fn children(&self, parent: &JobId) -> Vec<Job> {
        let query = JobQuery {
            parent: Some(parent.clone()),
            ..JobQuery::latest(100)
        };
        let JobPage { jobs, .. } = self.store.jobs(&query).await.unwrap();
        jobs
    }
}

const GO_SUM: &str =
    "example.com/a v1.0.0 h1:x=\nexample.com/a v1.0.0/go.mod h1:x=\nexample.com/b v1.2.0/go.mod h1:x=\n";

fn modules() -> [ModuleFixture; 2] {
    ["example.com/a v1.0.0", "example.com/b v1.2.0"].map(|module| {
        let (path, version) = module.split_once(' ').unwrap();
        ModuleFixture::new(path, version).file("a.go", "package a\n")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefetch_brings_in_what_a_go_sum_asks_for_and_nothing_twice() {
    let lab = Lab::new().await;
    lab.upstream.modules(&modules());
    let jobs = Jobs::of(&lab);
    let job = jobs.prefetch(GO_SUM).await;
    assert_eq!(job.state.name(), StateName::Ok, "{job:?}");
    assert_eq!((job.children.ok, job.title.as_str()), (2, "go.sum (2 modules)"));
    for kind in [FileKind::Info, FileKind::Mod, FileKind::Zip] {
        assert!(lab.stored(kind).await.is_some(), "{}", key(kind));
    }
    let mut asked: Vec<_> = lab
        .upstream
        .requests()
        .iter()
        .map(|request| request.path.clone())
        .collect();
    asked.sort();
    let want = [
        "/example.com/a/@v/v1.0.0.info",
        "/example.com/a/@v/v1.0.0.mod",
        "/example.com/a/@v/v1.0.0.zip",
        "/example.com/b/@v/v1.2.0.mod",
    ];
    assert_eq!(asked, want);
    assert_eq!(jobs.prefetch(GO_SUM).await.state.name(), StateName::Ok);
    assert_eq!(lab.upstream.total(), want.len(), "what is held is not asked for");
    jobs.engine.drain(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_named_and_may_be_tried_again() {
    let lab = Lab::new().await;
    let [a, b] = modules();
    lab.upstream.module(&a);
    let jobs = Jobs::of(&lab);
    let job = jobs.prefetch(GO_SUM).await;
    let State::Dead { failure, .. } = &job.state else {
        panic!("{job:?}")
    };
    assert_eq!(
        &*failure.text,
        "1 of 2 modules could not be brought in; its children say why"
    );
    let children = jobs.children(&job.id).await;
    let dead: Vec<_> = children
        .iter()
        .filter(|child| child.state.name() == StateName::Dead)
        .collect();
    assert_eq!(
        dead.iter().map(|child| child.title.as_str()).collect::<Vec<_>>(),
        ["example.com/b@v1.2.0/go.mod"]
    );
    let State::Dead { failure, .. } = &dead[0].state else {
        panic!("{dead:?}")
    };
    assert_eq!(
        (&*failure.class, dead[0].attempts.len()),
        ("not_found", 1),
        "{failure:?}"
    );
    lab.upstream.module(&b);
    // "Not found" is believed for a moment.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    jobs.store.act(&job.id, stoa_jobs::Action::Retry).await.unwrap();
    assert_eq!(jobs.ended(&job.id).await.state.name(), StateName::Ok);
    jobs.engine.drain(Duration::ZERO).await;
}
