//! What operators do with what is stored, and what stoa does by itself to keep it in order.

use std::sync::Arc;

use async_trait::async_trait;
use stoa_proxy::{Gc, GcRounds, NetworkMode, Rebuilds, Reindex, Remover};
use stoa_server::{
    AdminGuard, AdminLog, AdminToken, ExternalStore, Guard, Mount, OpenGuard, StorageDesk, StorageIndex,
    external_mount, index_mounts, storage_mount,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Core, Part, Role, index::IndexCore, upkeep_check};
use crate::{
    admin_token::{self, SETTING},
    command_error::CommandError,
    config::Config,
};

/// The log of administration, beside what else is stoa's own.
const LOG: &str = "admin.log";

/// `/index`, `/catalog`, `/api/v1/storage`; the index made anew when it has to be, and room made when it is time.
#[derive(Debug)]
struct Upkeep {
    desk: StorageDesk,
    guard: Arc<dyn Guard>,
    index_guard: Arc<dyn Guard>,
    known: Option<Arc<IndexCore>>,
    tasks: TaskTracker,
    ending: CancellationToken,
}

/// What is removed here, and by whom.
pub(super) fn remover(core: &Core) -> Remover {
    let notes = IndexCore::notes(core.index.as_deref());
    Remover::new(
        Arc::clone(&core.storage),
        notes,
        Arc::clone(&core.removals),
        Arc::clone(&core.refreshes),
    )
}

/// What stores and deletes for an Athens, if it may.
pub(super) fn external(config: &Config, core: &Core) -> Result<Option<Mount>, CommandError> {
    let Some(file) = &config.external.token_file else {
        return Ok(None);
    };
    let token = AdminToken::read(file)
        .map_err(|error| CommandError::new(config.fault("external.token_file", error)))?;
    let limits = &config.fetch.limits;
    let store = ExternalStore {
        intake: core.intake.clone(),
        remover: remover(core),
        refreshes: Arc::clone(&core.refreshes),
        log: Arc::new(log(config)),
        largest: limits
            .info
            .saturating_add(limits.go_mod)
            .saturating_add(limits.zip),
    };
    Ok(Some(external_mount(store, token)))
}

fn log(config: &Config) -> AdminLog {
    AdminLog::new(config.storage.own.as_ref().map(|own| own.join(LOG)))
}

/// Builds it from `[index]` and `[gc]`.
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    let (token, _) = admin_token::of_server(config)?;
    let guard: Arc<dyn Guard> = Arc::new(AdminGuard::new(token, SETTING));
    let remover = remover(core);
    let fetcher = (config.upstream.network != NetworkMode::Offline).then(|| Arc::clone(&core.fetcher));
    let index = core.index.as_ref().map(|known| {
        let reindex = Reindex::new(Arc::clone(&known.index), Arc::clone(&core.storage));
        let gc = Gc::new(
            config.gc.rules(&config.vcs.private),
            Arc::clone(&known.index),
            Arc::clone(&known.recorder),
            remover.clone(),
            fetcher,
        );
        let (records, every, dry_run) = (core.storage.records(), config.gc.every, config.gc.dry_run);
        StorageIndex {
            index: Arc::clone(&known.index),
            rebuilds: Arc::new(Rebuilds::new(reindex, known.notes.clone())),
            gc: Arc::new(GcRounds::new(gc, records, every, dry_run)),
        }
    });
    upkeep_check::check(config)?;
    Ok(Arc::new(Upkeep {
        known: core.index.clone(),
        desk: StorageDesk {
            name: core.storage.to_string(),
            index,
            remover,
            others: core.other_nodes.clone(),
            log: Arc::new(log(config)),
        },
        index_guard: if config.index.public {
            Arc::new(OpenGuard)
        } else {
            Arc::clone(&guard)
        },
        guard,
        tasks: TaskTracker::new(),
        ending: CancellationToken::new(),
    }))
}

#[async_trait]
impl Part for Upkeep {
    fn name(&self) -> &'static str {
        "upkeep"
    }

    fn mounts(&self) -> Vec<Mount> {
        let index = self.desk.index.as_ref().map(|index| Arc::clone(&index.index));
        let mut mounts = index_mounts(index, &self.index_guard);
        mounts.push(storage_mount(self.desk.clone(), Arc::clone(&self.guard)));
        mounts
    }

    async fn enter(&self, role: Role) -> Result<(), CommandError> {
        let (Some(index), Some(known)) = (self.desk.index.clone(), &self.known) else {
            return Ok(());
        };
        // A worker stores modules too; the servers look after what it leaves.
        let is_suspect = known.begin();
        if role != Role::Server {
            return Ok(());
        }
        let rebuilds = index.rebuilds;
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            ending.run_until_cancelled(rebuilds.run(is_suspect)).await;
        });
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            ending.run_until_cancelled(index.gc.run()).await;
        });
        Ok(())
    }

    async fn end(&self) {
        self.ending.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
