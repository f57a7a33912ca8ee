//! Brings one module version into storage.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::json;
use stoa_fetch::{Context, Question};
use stoa_jobs::{Failure, Handler, Outcome, Run};
use stoa_module::{ModuleVersion, Resource};

use super::ModuleSpec;
use crate::{
    Download, DownloadEvent, Meaning, ModuleQuery, Protocol, ProxyError, QueryError, small_file::small_file,
};

/// When to look again whether the storage has room, or is back.
const STORAGE: Duration = Duration::from_secs(30);

/// Runs jobs of kind [`MODULE`](super::MODULE): it asks the pipelines as a client would, for nobody who waits.
#[derive(Debug)]
pub struct ModuleHandler {
    protocol: Arc<dyn Protocol>,
    download: Download,
}

impl ModuleHandler {
    /// Brings modules in by `download`, and their go.mod files through `protocol`.
    pub fn new(protocol: Arc<dyn Protocol>, download: Download) -> Self {
        Self { protocol, download }
    }

    /// Brings in what `query` means, tells the run which file is on its way, and returns the version and how many bytes of its
    /// zip have come. There are none if the zip is stored already.
    async fn bring(
        &self,
        run: &Run,
        query: &ModuleQuery,
        go_mod_only: bool,
    ) -> Result<(ModuleVersion, u64), QueryError> {
        let context = Context::background();
        run.progress(json!({ "file": if go_mod_only { "mod" } else { "info" } }));
        if go_mod_only && let Some(version) = query.version() {
            let target = ModuleVersion::new(query.path().clone(), version.clone());
            let target = target.map_err(|error| QueryError::Info(error.to_string()))?;
            small_file(
                self.protocol.as_ref(),
                &Question::new(Resource::Mod(target.clone()), context),
            )
            .await?;
            return Ok((target, 0));
        }
        let (mut total, mut arrived) = (None, 0);
        let listen = |event| match event {
            DownloadEvent::Resolved { .. } => run.progress(json!({ "file": "mod" })),
            DownloadEvent::GoMod { .. } => run.progress(json!({ "file": "zip" })),
            DownloadEvent::ZipStarted { total: told } => total = told,
            DownloadEvent::ZipArrived { bytes } => {
                arrived = bytes;
                run.note("bytes", bytes);
                run.progress(json!({ "file": "zip", "bytes": bytes, "total": total }));
            }
            DownloadEvent::Listed { .. } | DownloadEvent::Stored => {}
        };
        let downloaded = self.download.run(query, &context, listen).await?;
        Ok((downloaded.target, arrived))
    }
}

#[async_trait]
impl Handler for ModuleHandler {
    async fn run(&self, run: &Run) -> Outcome {
        let spec: ModuleSpec = match serde_json::from_value(run.job().payload.clone()) {
            Ok(spec) => spec,
            Err(error) => return Outcome::Dead(Failure::new("payload", &error.to_string())),
        };
        let query = match spec.query() {
            Ok(query) => query,
            Err(error) => return Outcome::Dead(Failure::new("payload", &error)),
        };
        match self.bring(run, &query, spec.go_mod_only).await {
            Ok((target, bytes)) => {
                let (module, version) = (target.path().as_str(), target.version().as_str());
                Outcome::Ok(json!({ "module": module, "version": version, "bytes": bytes }))
            }
            Err(QueryError::Proxy(error)) => outcome_of(&error),
            Err(error @ QueryError::Info(_)) => Outcome::Dead(Failure::new("upstream", &error.to_string())),
            Err(error) => Outcome::Dead(Failure::new("not_found", &error.to_string())),
        }
    }
}

/// What a failure means for the job: what will be the same the next time is its end, what is ours is not charged.
pub(super) fn outcome_of(error: &ProxyError) -> Outcome {
    let failure = |class| Failure::new(class, &error.to_string());
    match error.meaning() {
        Meaning::NotFound => Outcome::Dead(failure("not_found")),
        Meaning::Gone => Outcome::Dead(failure("gone")),
        Meaning::Refused => Outcome::Dead(failure("refused")),
        Meaning::Unsupported => Outcome::Dead(failure("unsupported")),
        Meaning::BadUpstream => Outcome::Retry {
            failure: failure("upstream"),
            after: error.retry_after(),
        },
        // Only clients are told to come back, and a job is none.
        Meaning::Coming | Meaning::Internal => Outcome::Retry {
            failure: failure("internal"),
            after: None,
        },
        Meaning::Deadline => Outcome::Retry {
            failure: failure("timeout"),
            after: None,
        },
        Meaning::Overloaded => {
            let wait = error.retry_after().unwrap_or(STORAGE);
            Outcome::Snooze {
                failure: failure("overloaded"),
                wait,
            }
        }
        Meaning::StorageUnavailable | Meaning::StorageFull => {
            let wait = error.retry_after().unwrap_or(STORAGE);
            Outcome::Snooze {
                failure: failure("storage"),
                wait,
            }
        }
    }
}
