//! `stoa storage copy`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use stoa_dispatch::Drain;
use stoa_proxy::{ImportReport, Importer, IndexNotes, Ingest, Intake, NoCheck, StorageSource};
use stoa_storage::StoragePlace;
use tokio_util::task::TaskTracker;

use super::super::import::{Shown, show};
use crate::{
    app::OpenStorage,
    cli::Common,
    command_error::{CommandError, USAGE},
    config::{Config, load},
    setup::runtime,
};

/// The configuration with another storage, or another file of configuration.
pub(super) fn place(
    common: &Common,
    url: Option<String>,
    file: Option<PathBuf>,
) -> Result<Config, CommandError> {
    let mut given = common.clone().given(None);
    given.flags.remove("storage");
    // It speaks of the storage of this machine's server.
    given.environment.remove("STOA_STORAGE");
    if file.is_some() {
        given.file = file;
    }
    if let Some(url) = url {
        given.flags.insert("storage", url);
    }
    Ok(load(&given)?)
}

pub(super) fn run(config: &Config, to: &Config, parallel: usize, shown: Shown) -> Result<(), CommandError> {
    let usage = |text: &str| CommandError {
        text: format!("storage copy: {text}"),
        code: USAGE,
    };
    if matches!(to.storage.url.place(), StoragePlace::Memory(_)) {
        return Err(usage("what is copied into memory is gone when the command ends"));
    }
    if to.storage.url.place() == config.storage.url.place() {
        return Err(usage("both storages are the same one"));
    }
    let report = runtime(config)?.block_on(copy(config, to, parallel, shown))?;
    if report.is_whole() {
        Ok(())
    } else {
        Err(CommandError::already_printed())
    }
}

async fn copy(
    config: &Config,
    to: &Config,
    parallel: usize,
    shown: Shown,
) -> Result<ImportReport, CommandError> {
    let from = OpenStorage::open_existing(config)?;
    let target = OpenStorage::open(to)?;
    let tasks = TaskTracker::new();
    let ingest = Ingest {
        zip_limits: config.fetch.zip_limits.clone(),
        // It was verified when it came, and the hash of that time is what counts.
        sums: Arc::new(NoCheck),
        refusal_ttl: Duration::ZERO,
        // The index of the other storage is made anew by the server that starts there.
        notes: IndexNotes::none(),
    };
    let limits = config.fetch.limits.clone();
    let intake = Intake::new(Arc::clone(&target.storage), ingest, limits, tasks.clone());
    let source = Arc::new(StorageSource::own(Arc::clone(&from.storage)));
    let importer = Importer::new(source, Arc::clone(&target.storage), intake, parallel);
    let importer = importer.held_against(Arc::clone(&from.storage));
    let what = format!("{} -> {}", config.storage.url, to.storage.url);
    let report = show(&importer, &what, "copied", shown).await;
    tasks.close();
    tasks.wait().await;
    for opened in [&from, &target] {
        opened.tasks.close();
        opened.tasks.wait().await;
        let timeout = Duration::ZERO;
        let _closed = opened.dispatcher.close(Drain { timeout }).await;
    }
    report
}
