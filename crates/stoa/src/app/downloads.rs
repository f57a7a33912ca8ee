//! Downloads of any URL, and callbacks.

use std::{path::Path, sync::Arc, time::Duration};

use stoa_jobs::{
    Callbacks, EngineBuilder, Gate, Kind, KindOptions, NoCallbacks, Store,
    callback::{
        CallbackHandler, CallbackJobs, CallbackOptions, CallbackPayload, CallbackRules, CallbackSecret,
    },
    download::{
        DirectorySink, DiskGuard, DiskOptions, DownloadOptions, DownloadSpec, Downloads, Purge, PurgeAfter,
        PurgePayload, Statvfs, Volume,
    },
};

use super::{Core, job_transport::JobTransport, kafka::Kafka};
use crate::{
    command_error::CommandError,
    config::{Config, JobsConfig},
};

/// Where partial files are, in the folder of downloads: of one volume, so that files are moved and not copied.
const PARTIAL: &str = ".partial";
/// When a partial file is removed that nobody goes on with,
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 3600);
/// and how often they are looked at.
const SWEEP: Duration = Duration::from_secs(600);

/// What downloads need, if the configuration says where they go.
#[derive(Debug)]
pub(super) struct UrlJobs {
    downloads: Arc<Downloads>,
    callbacks: Arc<CallbackHandler>,
    purge: Arc<Purge>,
    kafka: Kafka,
    guard: Arc<DiskGuard>,
    gate: Gate,
}

/// How the ends of jobs are told, where files are downloaded.
pub(super) fn callbacks(config: &JobsConfig) -> Arc<dyn Callbacks> {
    let callbacks: Arc<dyn Callbacks> = match &config.downloads {
        Some(_) => Arc::new(CallbackJobs::new(&config.download_url, CallbackRules::default())),
        None => Arc::new(NoCallbacks),
    };
    match config.delete_after {
        Some(time) => Arc::new(PurgeAfter::new(callbacks, time)),
        None => callbacks,
    }
}

impl UrlJobs {
    /// What downloads into the folder of the configuration need; none if it has none.
    pub(super) fn of(config: &Config, core: &Core) -> Result<Option<Self>, CommandError> {
        let Some(folder) = &config.jobs.downloads else {
            return Ok(None);
        };
        let fault = |error: &dyn std::fmt::Display| CommandError::from(config.fault("jobs.downloads", error));
        let secret = config
            .jobs
            .callback_secret_file
            .as_deref()
            .map(secret)
            .transpose();
        let secret =
            secret.map_err(|error| CommandError::from(config.fault("jobs.callback_secret_file", error)))?;
        let transport = Arc::new(JobTransport::new(
            core.dispatcher.clone(),
            config.jobs.allow_private_addresses,
        ));
        let sink = DirectorySink::new(folder).map_err(|error| fault(&error))?;
        let volume = Volume {
            name: "downloads".into(),
            path: folder.clone(),
        };
        let high = config.jobs.full_at;
        let (low, min_free) = ((high - 5.0).max(0.0), config.jobs.min_free);
        let options = DiskOptions {
            high,
            low,
            min_free,
            ..DiskOptions::default()
        };
        let (guard, gate) = DiskGuard::new(vec![volume], options, Arc::new(Statvfs));
        let options = DownloadOptions {
            max_bytes: Some(config.jobs.max_download),
            headers: config.jobs.headers.fields.clone(),
            ..DownloadOptions::default()
        };
        let downloads = Downloads::new(
            transport.clone(),
            Arc::new(sink.clone()),
            folder.join(PARTIAL),
            Arc::clone(&guard),
            options,
        );
        let kafka = Kafka::of(config, secret.clone())?;
        let options = CallbackOptions {
            secret,
            ..CallbackOptions::default()
        };
        Ok(Some(Self {
            downloads: Arc::new(downloads.map_err(|error| fault(&error))?),
            callbacks: Arc::new(CallbackHandler::new(transport, options)),
            purge: Arc::new(Purge::new(sink)),
            kafka,
            guard,
            gate,
        }))
    }

    /// Adds the kinds of jobs that it has handlers for.
    pub(super) fn add(
        &self,
        engine: EngineBuilder,
        workers: &KindOptions,
    ) -> Result<EngineBuilder, CommandError> {
        let kind = |name: &str| name.parse::<Kind>().map_err(CommandError::new);
        let (url, callback) = (kind(DownloadSpec::KIND)?, kind(CallbackPayload::KIND)?);
        let purge = kind(PurgePayload::KIND)?;
        let engine = engine
            .handler(url.clone(), Arc::clone(&self.downloads) as _, workers.clone())
            .gate(&url, self.gate.clone())
            .handler(callback, Arc::clone(&self.callbacks) as _, workers.clone())
            .handler(purge, Arc::clone(&self.purge) as _, workers.clone());
        self.kafka.add(engine, workers)
    }

    /// Sends what is still to be sent, when no job runs any more.
    pub(super) async fn close(&self) {
        self.kafka.close().await;
    }

    /// The volume of downloads, and what is closed while it is full.
    pub(super) fn disk(&self) -> (&'static str, Gate) {
        ("downloads", self.gate.clone())
    }

    /// Watches the disk, and removes partial files that nobody goes on with, for as long as it is polled.
    pub(super) fn upkeep(&self, store: Arc<dyn Store>) -> impl Future<Output = ()> + Send + 'static {
        let (guard, downloads) = (Arc::clone(&self.guard), Arc::clone(&self.downloads));
        async move {
            let sweep = async {
                loop {
                    let old = downloads.sweep(ABANDONED).await;
                    let ended = downloads.sweep_ended(&*store).await;
                    match old.and_then(|old| Ok(old + ended?)) {
                        Ok(0) => {}
                        Ok(files) => {
                            tracing::info!(files, "partial downloads that nobody goes on with are removed");
                        }
                        Err(error) => tracing::warn!(%error, "partial downloads could not be looked at"),
                    }
                    tokio::time::sleep(SWEEP).await;
                }
            };
            tokio::join!(guard.watch(), sweep);
        }
    }
}

fn secret(file: &Path) -> Result<CallbackSecret, String> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let word = text.trim_ascii();
    if word.len() < 16 {
        return Err(format!(
            "{}: a secret for callbacks has 16 bytes or more, this one has {}",
            file.display(),
            word.len()
        ));
    }
    Ok(CallbackSecret::new(word))
}
