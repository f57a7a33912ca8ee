//! The whole pipeline over a scripted server, and what reads its answers.

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_dispatch::{Concurrency, HttpOptions, HttpTransports, LaneSettings, Pool, RetrySettings};
use stoa_fetch::{Caller, Context, Deadlines, HttpClient, Limits, Off, Question};
use stoa_module::{ModulePath, ModuleVersion, PatternList, Resource, zip::ZipLimits};
use stoa_proxy::{
    Answer, ClusterOptions, Content, Growing, IndexNotes, Ingest, Modes, NetworkMode, NoCheck, Protocol,
    ProtocolOptions, ProxyError, Refreshes, RevalidationOptions, SourceOptions, Stashed, Stasher,
    StasherOptions, fetch_pipeline, protocol_pipeline, stash_pipeline,
};
use stoa_storage::{FileKey, FileKind, MemoryStorage, Storage};
use stoa_telemetry::Registry;
use stoa_testing::{fixtures::ModuleFixture, upstream::Upstream};
use tokio_util::task::TaskTracker;

pub(crate) const FETCHES: usize = 4;
pub(crate) const REQUESTS: usize = 8;

pub(crate) fn resource(path: &str) -> Resource {
    Resource::parse(path).unwrap().unwrap()
}

pub(crate) fn path() -> ModulePath {
    "example.com/a".parse().unwrap()
}

pub(crate) fn target(version: &str) -> ModuleVersion {
    ModuleVersion::new(path(), version.parse().unwrap()).unwrap()
}

pub(crate) fn list() -> Resource {
    Resource::List(path())
}

pub(crate) fn latest() -> Resource {
    Resource::Latest(path())
}

pub(crate) fn info() -> Resource {
    Resource::Info(target("v1.0.0"))
}

pub(crate) fn go_mod() -> Resource {
    Resource::Mod(target("v1.0.0"))
}

pub(crate) fn zip() -> Resource {
    Resource::Zip(target("v1.0.0"))
}

pub(crate) fn key(kind: FileKind) -> FileKey {
    FileKey::new(target("v1.0.0"), kind)
}

pub(crate) fn module() -> ModuleFixture {
    ModuleFixture::new("example.com/a", "v1.0.0").file("a.go", "package a\n")
}

pub(crate) fn memory() -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new(64 << 20))
}

/// A question of a client who waits and did not say who it is.
pub(crate) fn question(resource: &Resource) -> Question {
    Question::new(resource.clone(), Context::interactive(Caller::Anonymous))
}

/// Asks a [`Protocol`] as such a client.
#[async_trait]
pub(crate) trait Ask {
    async fn ask(&self, resource: &Resource) -> Result<Answer, ProxyError>;
}

#[async_trait]
impl<P: Protocol + ?Sized> Ask for P {
    async fn ask(&self, resource: &Resource) -> Result<Answer, ProxyError> {
        self.get(&question(resource)).await
    }
}

/// Asks a [`Stasher`] for such a client.
#[async_trait]
pub(crate) trait Bring {
    async fn bring(&self, resource: &Resource) -> Result<Stashed, ProxyError>;
}

#[async_trait]
impl<S: Stasher + ?Sized> Bring for S {
    async fn bring(&self, resource: &Resource) -> Result<Stashed, ProxyError> {
        self.stash(&question(resource)).await
    }
}

/// A server, a storage and the layers between them.
pub(crate) struct Lab {
    pub(crate) upstream: Upstream,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stasher: Arc<dyn Stasher>,
    pub(crate) protocol: Arc<dyn Protocol>,
    dispatcher: Pool,
}

/// How a lab is made.
struct Made {
    zip_limits: ZipLimits,
    queue: usize,
    requests: usize,
    modes: Modes,
    source: Option<String>,
    cluster: Option<ClusterOptions>,
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::over(memory()).await
    }

    pub(crate) async fn over(storage: Arc<dyn Storage>) -> Self {
        Self::with_limits(storage, ZipLimits::default()).await
    }

    pub(crate) async fn with_limits(storage: Arc<dyn Storage>, zip_limits: ZipLimits) -> Self {
        let queue = LaneSettings::default().queue;
        Self::with(storage, zip_limits, queue, REQUESTS, Modes::default()).await
    }

    /// With modes.
    pub(crate) async fn with_modes(modes: Modes) -> Self {
        let (queue, requests) = (LaneSettings::default().queue, 1_000);
        Self::with(memory(), ZipLimits::default(), queue, requests, modes).await
    }

    /// With room for so many requests that wait, and for so many in the lane of the server.
    pub(crate) async fn crowded(waiting: usize) -> Self {
        Self::with(memory(), ZipLimits::default(), waiting, waiting, Modes::default()).await
    }

    /// A node of a cluster whose source is `source`; its own upstream is asked nothing.
    pub(crate) async fn of_cluster(source: &Upstream, cluster: ClusterOptions) -> Self {
        let made = Made {
            zip_limits: ZipLimits::default(),
            queue: LaneSettings::default().queue,
            requests: 1_000,
            modes: Modes::default(),
            source: Some(source.url()),
            cluster: Some(cluster),
        };
        Self::made(memory(), made).await
    }

    async fn with(
        storage: Arc<dyn Storage>,
        zip_limits: ZipLimits,
        queue: usize,
        requests: usize,
        modes: Modes,
    ) -> Self {
        let made = Made {
            zip_limits,
            queue,
            requests,
            modes,
            source: None,
            cluster: None,
        };
        Self::made(storage, made).await
    }

    async fn made(storage: Arc<dyn Storage>, made: Made) -> Self {
        let Made {
            zip_limits,
            queue,
            requests,
            modes,
            source,
            cluster,
        } = made;
        let upstream = Upstream::start().await;
        let deadlines = Deadlines {
            idle: Duration::from_secs(20),
            ..Deadlines::default()
        };
        let dispatcher = dispatcher(&deadlines, queue);
        let client = HttpClient::new(dispatcher.clone(), deadlines.total, Limits::default());
        let tasks = TaskTracker::new();
        let sources = SourceOptions {
            routes: Vec::new(),
            private: PatternList::default(),
            upstream: source.unwrap_or_else(|| upstream.url()).parse().unwrap(),
            fetches: FETCHES,
        };
        let fetcher = fetch_pipeline(
            &sources,
            &client,
            &(Arc::new(Off) as _),
            &Registry::new("stoa").root(),
            stoa_proxy::BreakMetrics::new(&Registry::new("stoa").root()),
        );
        let refreshes = Arc::new(Refreshes::new(None));
        let options = StasherOptions {
            ingest: Ingest {
                zip_limits,
                sums: Arc::new(NoCheck),
                notes: IndexNotes::none(),
                refusal_ttl: Duration::from_secs(30),
            },
            flights: 2 * requests.max(500),
            network: NetworkMode::Online,
            cluster,
            refreshes: Arc::clone(&refreshes),
        };
        let stasher = stash_pipeline(options, fetcher, &storage, &tasks);
        let options = ProtocolOptions {
            revalidation: RevalidationOptions::default(),
            requests,
            network: NetworkMode::Online,
            refreshes: Arc::clone(&refreshes),
            modes,
            notes: IndexNotes::none(),
        };
        let protocol = protocol_pipeline(&options, Arc::clone(&stasher), &storage, &tasks);
        Self {
            upstream,
            storage,
            tasks,
            stasher,
            protocol,
            dispatcher,
        }
    }

    /// Waits until so many requests wait in the lane of the server.
    pub(crate) async fn queued(&self, waiting: usize) {
        let queued = || {
            let lanes = self.dispatcher.lanes();
            lanes.iter().map(|lane| lane.waiting).sum::<usize>()
        };
        while queued() < waiting {
            tokio::task::yield_now().await;
        }
    }

    /// Asks as a client and reads to the end.
    pub(crate) async fn get(&self, resource: &Resource) -> Result<Bytes, ProxyError> {
        let (body, _held) = self.protocol.ask(resource).await?.into_parts();
        read(body).await
    }

    pub(crate) async fn stored(&self, kind: FileKind) -> Option<Bytes> {
        stored(self.storage.as_ref(), &key(kind)).await
    }
}

pub(crate) async fn stored(storage: &dyn Storage, key: &FileKey) -> Option<Bytes> {
    let blob = storage.open(key).await.unwrap()?;
    Some(blob.bytes(64 << 20).await.unwrap())
}

pub(crate) async fn read(content: Content) -> Result<Bytes, ProxyError> {
    match content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::Stored(blob) => Ok(blob.bytes(64 << 20).await?),
        Content::Growing(growing) => follow(&growing).await.1,
    }
}

/// Follows to the end: how many bytes came, and all of them or why they are not all.
pub(crate) async fn follow(growing: &Growing) -> (usize, Result<Bytes, ProxyError>) {
    let mut follower = growing.follow();
    let mut all = Vec::new();
    while let Some(piece) = follower.next().await {
        match piece {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(error) => return (all.len(), Err(error)),
        }
    }
    (all.len(), Ok(all.into()))
}

/// Waits for all that runs behind the answers.
pub(crate) async fn settle(tasks: &TaskTracker) {
    tasks.close();
    tasks.wait().await;
    tasks.reopen();
}

/// Every file below a directory, as paths from there.
pub(crate) fn tree(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path());
            } else {
                let path = entry.path();
                files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// Repeats nothing, so that each request is seen once.
fn dispatcher(deadlines: &Deadlines, queue: usize) -> Pool {
    let mut settings = LaneSettings {
        concurrency: Concurrency::Fixed(NonZeroUsize::new(FETCHES).unwrap()),
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        queue,
        ..LaneSettings::default()
    };
    deadlines.apply(&mut settings);
    let transports = Arc::new(HttpTransports::new(HttpOptions::default()));
    Pool::builder(transports).settings(settings).start()
}
