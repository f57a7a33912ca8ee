//! Durable jobs.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_jobs::{Engine, EngineOptions, KindOptions, ObservedStore};
use stoa_proxy::{
    MIRROR, MODULE, MirrorHandler, MissOptions, MissQueue, ModuleHandler, PREFETCH, PrefetchHandler,
    schedule_mirrors,
};
use stoa_server::{
    AdminGuard, Guard, JobGauges, JobMetrics, Mount, aggregations_mount, callbacks_mount, downloader_mounts,
    events_mount, jobs_mount,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Core, Part, downloads::UrlJobs, job_store::OpenStore};
use crate::{
    admin_token::{self, SETTING},
    command_error::CommandError,
    config::Config,
};

/// Keeps and runs jobs: modules that are brought in for nobody who waits.
#[derive(Debug)]
struct Jobs {
    engine: Arc<Engine>,
    store: OpenStore,
    metrics: Arc<JobMetrics>,
    guard: Arc<dyn Guard>,
    grace: Duration,
    heartbeat_file: Option<PathBuf>,
    upkeep: TaskTracker,
    ending: CancellationToken,
    /// What downloads URLs, if it is done, which the endpoints of skroutz/downloader are for.
    urls: Option<UrlJobs>,
}

/// Opens the store of jobs, and starts to run what is in it.
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    let (token, _) = admin_token::of_server(config)?;
    let store = OpenStore::of(config)?;
    let metrics = Arc::new(JobMetrics::new(&core.registry.root()));
    let observed = Arc::new(ObservedStore::new(store.shared(), Arc::clone(&metrics) as _));
    let workers = KindOptions {
        workers: config.jobs.workers,
        timeout: None,
    };
    let download = core.download(config);
    let module = ModuleHandler::new(Arc::clone(&core.protocol), download);
    let mirror = MirrorHandler::new(Arc::clone(&core.stasher), Arc::clone(&core.storage));
    let kind = |name: &str| name.parse().map_err(CommandError::new);
    let options = EngineOptions {
        node: rustix::system::uname().nodename().to_string_lossy().into(),
        lease: config.jobs.lease,
        heartbeat: config.jobs.lease / 6,
    };
    let engine = Engine::builder(observed)
        .options(options)
        .observer(Arc::clone(&metrics) as _)
        .handler(kind(MODULE)?, Arc::new(module), workers.clone())
        .handler(kind(PREFETCH)?, Arc::new(PrefetchHandler), workers.clone())
        .handler(kind(MIRROR)?, Arc::new(mirror), workers.clone());
    let urls = UrlJobs::of(config, core)?;
    let engine = match &urls {
        Some(urls) => urls.add(engine, &workers)?,
        None => engine,
    };
    let engine = Arc::new(engine.start());
    let (upkeep, ending) = (TaskTracker::new(), CancellationToken::new());
    let (scheduling, scheduled, mirrors) = (
        ending.clone(),
        Arc::clone(&engine),
        config.mirrors.mirrors.clone(),
    );
    upkeep.spawn(async move {
        let schedule = schedule_mirrors(&scheduled, &mirrors);
        scheduling.run_until_cancelled(schedule).await;
    });
    if config.modes.has_async() {
        take_misses(config, core, &engine, &upkeep, &ending);
    }
    let until_end = |work: Pin<Box<dyn Future<Output = ()> + Send>>| {
        let ending = ending.clone();
        upkeep.spawn(async move {
            ending.run_until_cancelled(work).await;
        });
    };
    let disks = urls.iter().map(UrlJobs::disk).collect();
    let gauges = JobGauges::new(Arc::clone(engine.store()), disks);
    core.registry.root().collector(gauges.clone());
    until_end(Box::pin(gauges.watch()));
    if let Some(urls) = &urls {
        until_end(Box::pin(urls.upkeep(Arc::clone(engine.store()))));
    }
    Ok(Arc::new(Jobs {
        engine,
        store,
        metrics,
        guard: Arc::new(AdminGuard::new(token, SETTING)),
        grace: config.drain.timeout / 2,
        heartbeat_file: config.jobs.heartbeat_file.clone(),
        upkeep,
        ending,
        urls,
    }))
}

/// Lets clients leave what they do not wait for to jobs.
fn take_misses(
    config: &Config,
    core: &Core,
    engine: &Arc<Engine>,
    upkeep: &TaskTracker,
    ending: &CancellationToken,
) {
    let options = MissOptions {
        open: config.jobs.max_async,
        failed_ttl: config.cache.revalidation.negative_ttl,
        refreshes: Arc::clone(&core.refreshes),
    };
    let queue = MissQueue::new(Arc::clone(engine), options, upkeep.clone(), ending.clone());
    core.later.fill(Arc::new(queue.clone()));
    let ending = ending.clone();
    upkeep.spawn(async move {
        ending.run_until_cancelled(queue.recover()).await;
    });
}

#[async_trait]
impl Part for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    fn mounts(&self) -> Vec<Mount> {
        let mut mounts = vec![
            jobs_mount(Arc::clone(&self.engine), Arc::clone(&self.guard)),
            aggregations_mount(Arc::clone(&self.engine), Arc::clone(&self.guard)),
            callbacks_mount(Arc::clone(&self.engine), Arc::clone(&self.guard)),
            events_mount(Arc::clone(&self.engine), Arc::clone(&self.guard)),
        ];
        if self.urls.is_some() {
            mounts.extend(downloader_mounts(
                &self.engine,
                &self.metrics,
                &self.guard,
                self.heartbeat_file.clone(),
            ));
        }
        mounts
    }

    async fn start(&self, config: &Config) -> Result<(), CommandError> {
        self.store.ready(config).await
    }

    async fn leave(&self) {
        self.engine.quiet();
    }

    async fn end(&self) {
        let report = self.engine.drain(self.grace).await;
        tracing::info!(?report, "jobs are drained");
        if let Some(urls) = &self.urls {
            urls.close().await;
        }
        self.ending.cancel();
        self.upkeep.close();
        self.upkeep.wait().await;
        self.engine.store().close().await;
    }
}
