//! Callers who share the request for a page: how urgent it is, how long each waits, and what the log shows of it.

use std::{io, num::NonZeroUsize, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use stoa_dispatch::{Concurrency, LaneSettings, Pool, RawBody, RequestBody, Transport, TransportError};
use stoa_fetch::{
    Caller, Context, FetchError, HttpClient, Limits,
    discovery::{Discovery, DiscoveryError, DiscoveryOptions, HttpPages, Ping, RepoRoot},
    outbound::Address,
};
use stoa_module::ModulePath;
use stoa_vcs::VcsKind;
use tokio::{
    sync::Semaphore,
    task::yield_now,
    time::{Instant, timeout},
};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::support::soon;

/// A host whose pages name a repository each. It answers as many requests as it is let, and keeps the order of them.
#[derive(Debug)]
struct Host {
    let_through: Semaphore,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Host {
    async fn send(&self, request: Request<RequestBody>) -> Result<Response<RawBody>, TransportError> {
        let path = request.uri().path().to_owned();
        self.asked.lock().push(path.clone());
        self.let_through.acquire().await.unwrap().forget();
        let tag = format!("<meta name=go-import content='e.example{path} git https://git.example{path}'>");
        let body = RawBody::new(Full::from(tag).map_err(|never| match never {}));
        Ok(Response::new(body))
    }
}

#[derive(Debug)]
struct NoRepositories;

#[async_trait]
impl Ping for NoRepositories {
    async fn ping(&self, _: VcsKind, _: &Address, _: &Context) -> Result<bool, FetchError> {
        Ok(false)
    }
}

struct Scene {
    host: Arc<Host>,
    pool: Pool,
    discovery: Arc<Discovery>,
    tasks: TaskTracker,
}

type Found = tokio::task::JoinHandle<Result<RepoRoot, DiscoveryError>>;

impl Scene {
    /// A lane that sends one request at a time.
    fn new() -> Self {
        let host = Arc::new(Host {
            let_through: Semaphore::new(0),
            asked: Mutex::default(),
        });
        let settings = LaneSettings {
            concurrency: Concurrency::Fixed(NonZeroUsize::MIN),
            ..LaneSettings::default()
        };
        let pool = Pool::builder(Arc::new(Arc::clone(&host)))
            .settings(settings)
            .start();
        let client = HttpClient::new(pool.clone(), Duration::from_secs(60), Limits::default());
        let (pages, tasks) = (Arc::new(HttpPages::new(client)), TaskTracker::new());
        let options = DiscoveryOptions::default();
        let discovery = Discovery::new(options, pages, Arc::new(NoRepositories), &tasks);
        Self {
            host,
            pool,
            discovery: Arc::new(discovery),
            tasks,
        }
    }

    fn find(&self, name: &str, context: Context) -> Found {
        let path = ModulePath::parse(&format!("e.example/{name}")).unwrap();
        let discovery = Arc::clone(&self.discovery);
        let find = async move { discovery.find(&path, &context).await };
        self.tasks.spawn(find.in_current_span())
    }

    /// Lets tasks run until so many requests are on the wire and in the queue.
    async fn until(&self, running: usize, waiting: usize) {
        let reached = || {
            let lanes = self.pool.lanes();
            let lane = lanes.first().map(|lane| (lane.running, lane.waiting));
            lane == Some((running, waiting))
        };
        let waits = async {
            while !reached() {
                yield_now().await;
            }
        };
        soon(waits).await;
    }
}

fn background() -> Context {
    Context::background()
}

fn interactive() -> Context {
    Context::interactive(Caller::Anonymous)
}

#[tokio::test]
async fn an_interactive_caller_lifts_the_background_request_that_it_joins() {
    let scene = Scene::new();
    let mut found = vec![scene.find("running", background())];
    scene.until(1, 0).await;
    for (waiting, name) in ["a", "b", "c"].into_iter().enumerate() {
        found.push(scene.find(name, background()));
        scene.until(1, waiting + 1).await;
    }
    let joined = scene.find("c", interactive());
    // The caller has to have joined before anything moves. It sends nothing of its own.
    for _ in 0..100 {
        yield_now().await;
    }
    scene.until(1, 3).await;
    scene.host.let_through.add_permits(4);
    assert_eq!(soon(joined).await.unwrap().unwrap().root, "e.example/c");
    for found in found {
        soon(found).await.unwrap().unwrap();
    }
    assert_eq!(*scene.host.asked.lock(), ["/running", "/c", "/a", "/b"]);
}

#[tokio::test]
async fn a_background_request_falls_back_when_its_interactive_caller_leaves() {
    let scene = Scene::new();
    let mut found = vec![scene.find("running", background())];
    scene.until(1, 0).await;
    for (waiting, name) in ["a", "b"].into_iter().enumerate() {
        found.push(scene.find(name, background()));
        scene.until(1, waiting + 1).await;
    }
    let leaves = scene.find("b", interactive());
    for _ in 0..100 {
        yield_now().await;
    }
    leaves.abort();
    leaves.await.unwrap_err();
    scene.host.let_through.add_permits(3);
    for found in found {
        soon(found).await.unwrap().unwrap();
    }
    assert_eq!(*scene.host.asked.lock(), ["/running", "/a", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_of_its_caller_and_not_the_request() {
    let scene = Scene::new();
    let patient = scene.find("a", interactive());
    let mut hasty = interactive();
    hasty.deadline = Some(Instant::now() + Duration::from_secs(3));
    let error = scene.find("a", hasty).await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "discovery: looking for the repository of e.example/a: discovery did not send an answer within 3s"
    );
    assert!(!error.is_not_exist());
    scene.host.let_through.add_permits(1);
    timeout(Duration::from_secs(1), patient)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(*scene.host.asked.lock(), ["/a"]);
}

/// Lines of a log.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_line_of_a_question_has_its_span_and_a_join_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The one of the whole process: what a thread's own subscriber gets depends on what other threads log at that time.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let scene = Scene::new();
    let ask = |id| {
        let request = tracing::debug_span!("request", id);
        request.in_scope(|| scene.find("logged", interactive()))
    };
    let first = ask("r1");
    scene.until(1, 0).await;
    let second = ask("r2");
    for _ in 0..100 {
        yield_now().await;
    }
    scene.host.let_through.add_permits(1);
    soon(first).await.unwrap().unwrap();
    soon(second).await.unwrap().unwrap();
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("stoa_fetch::") && line.contains("e.example/logged"))
        .collect();
    let said = |id: &str, what: &str| {
        let found = lines.iter().filter(|line| line.contains(what));
        found
            .filter(|line| line.contains(&format!("request{{id=\"{id}\"}}")))
            .count()
    };
    assert_eq!(said("r1", ""), 2, "{text}");
    assert_eq!(said("r2", ""), 2, "{text}");
    for (id, what) in [
        ("r1", "read a page"),
        ("r1", "found a repository"),
        ("r2", "joined a question under way"),
        ("r2", "found a repository"),
    ] {
        assert_eq!(said(id, what), 1, "{id}: {what}\n{text}");
    }
    assert_eq!(lines.len(), 4, "{text}");
}
