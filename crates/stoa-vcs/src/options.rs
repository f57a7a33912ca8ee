//! What an adapter is given beside an address.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::process::RunnerSettings;
use crate::{Credentials, Egress, Renewal};

/// Bounds and permissions of a repository of hg, svn, bzr or fossil.
#[derive(Clone, Debug)]
pub struct RepositoryOptions {
    /// What the programs see of this machine.
    pub runner: RunnerSettings,
    /// How long a question may take that is short: a revision, a file, the tags.
    pub question_time: Duration,
    /// How long the first fetch may take, and every one after it.
    pub fetch_time: Duration,
    /// How long an archive may take, until it is read to the end.
    pub archive_time: Duration,
    /// How long a server may say nothing while its program waits for it.
    pub silence: Duration,
    /// How many bytes a local copy may have on the disk.
    pub copy_limit: u64,
    /// How long ago the last fetch may have ended for an answer about tags, branches and the newest commit. With none at
    /// all, every question is answered by a fetch that began after it was asked.
    pub freshness: Duration,
    /// Since when what is known is not fresh.
    pub renewal: Renewal,
    /// Whether `http` and the other schemes that anybody on the way could change are allowed.
    pub insecure: bool,
    /// Whether `file` is allowed.
    pub files: bool,
    /// Where the secrets of a run are written while it lasts.
    pub sessions: PathBuf,
    /// For whom it is read: handles of one URL share a copy only if this is the same, because not all of them may have
    /// the same credentials.
    pub audience: &'static str,
    /// Where credentials come from.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// The guard of the programs' connections.
    pub egress: Option<Arc<dyn Egress>>,
}

impl RepositoryOptions {
    /// Bounds that fit large repositories, nothing insecure, and every answer fetched anew.
    pub fn new(runner: RunnerSettings) -> Self {
        Self {
            sessions: runner.home.join("sessions"),
            runner,
            question_time: Duration::from_secs(60),
            fetch_time: Duration::from_secs(600),
            archive_time: Duration::from_secs(600),
            silence: Duration::from_secs(30),
            copy_limit: 4 << 30,
            freshness: Duration::ZERO,
            renewal: Renewal::default(),
            insecure: false,
            files: false,
            audience: "",
            credentials: None,
            egress: None,
        }
    }
}
